locals {
  charts = {
    "Records settled a second"   = { resource = "cloud_run_revision", metric = "run.googleapis.com/request_count", where = "resource.labels.service_name=\"${local.base}-run-flow\"", aligner = "ALIGN_RATE" }
    "Requests that fail"         = { resource = "cloud_run_revision", metric = "run.googleapis.com/request_count", where = "metric.labels.response_code_class=\"5xx\" AND resource.labels.service_name=monitoring.regex.full_match(\"${local.services}\")", aligner = "ALIGN_RATE" }
    "How long a run takes (p99)" = { resource = "cloud_run_revision", metric = "run.googleapis.com/request_latencies", where = "resource.labels.service_name=\"${local.base}-run-flow\"", aligner = "ALIGN_PERCENTILE_99" }
    "Instances"                  = { resource = "cloud_run_revision", metric = "run.googleapis.com/container/instance_count", where = "resource.labels.service_name=monitoring.regex.full_match(\"${local.services}\")", aligner = "ALIGN_MAX" }
    "Messages that wait"         = { resource = "pubsub_subscription", metric = "pubsub.googleapis.com/subscription/num_undelivered_messages", where = "resource.labels.subscription_id=monitoring.regex.full_match(\"${local.queues}\")", aligner = "ALIGN_MAX" }
    "The oldest of them"         = { resource = "pubsub_subscription", metric = "pubsub.googleapis.com/subscription/oldest_unacked_message_age", where = "resource.labels.subscription_id=monitoring.regex.full_match(\"${local.queues}\")", aligner = "ALIGN_MAX" }
    "Document writes"            = { resource = "firestore.googleapis.com/Database", metric = "firestore.googleapis.com/document/write_ops_count", where = "resource.labels.database_id=\"${local.database}\"", aligner = "ALIGN_RATE" }
    "Document reads"             = { resource = "firestore.googleapis.com/Database", metric = "firestore.googleapis.com/document/read_ops_count", where = "resource.labels.database_id=\"${local.database}\"", aligner = "ALIGN_RATE" }
  }
}

resource "google_monitoring_dashboard" "this" {
  dashboard_json = jsonencode({
    displayName = local.base
    mosaicLayout = {
      columns = 12
      tiles = [
        for number, title in keys(local.charts) : {
          xPos   = 6 * (number % 2)
          yPos   = 4 * floor(number / 2)
          width  = 6
          height = 4
          widget = {
            title = title
            xyChart = {
              dataSets = [{
                plotType = "LINE"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = "resource.type=\"${local.charts[title].resource}\" AND metric.type=\"${local.charts[title].metric}\" AND ${local.charts[title].where}"
                    aggregation = {
                      alignmentPeriod  = "60s"
                      perSeriesAligner = local.charts[title].aligner
                    }
                  }
                }
              }]
            }
          }
        }
      ]
    }
  })
}
