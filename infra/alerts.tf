# Each is told in docs/runbook.md: what it means, and what to do.

resource "google_monitoring_notification_channel" "email" {
  count        = var.alert_email == "" ? 0 : 1
  display_name = "${local.base}: ${var.alert_email}"
  type         = "email"
  labels       = { email_address = var.alert_email }
}

locals {
  told     = google_monitoring_notification_channel.email[*].id
  services = join("|", [for name in keys(local.functions) : "${local.base}-${replace(name, "_", "-")}"])
  queues   = join("|", [for name in keys(local.declared.subscriptions) : "${var.prefix}${name}"])
}

# The sweep says so of a batch that has not moved for a quarter of an hour.
resource "google_logging_metric" "stuck" {
  name   = "${local.base}-stuck-batches"
  filter = "resource.labels.service_name=\"${local.base}-sweep\" AND jsonPayload.action=\"batch.stuck\""
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_alert_policy" "stuck_batch" {
  display_name          = "${local.base}: a batch is stuck"
  combiner              = "OR"
  notification_channels = local.told
  user_labels           = local.labels
  documentation {
    content = "A batch has not moved for 15 minutes. docs/runbook.md#stuck-batch"
  }
  conditions {
    display_name = "batch.stuck is logged"
    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.stuck.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_SUM"
      }
    }
  }
}

resource "google_monitoring_alert_policy" "dead_letters" {
  display_name          = "${local.base}: dead letters"
  combiner              = "OR"
  notification_channels = local.told
  user_labels           = local.labels
  documentation {
    content = "Messages have been given up after ${local.declared.max_deliveries} deliveries. docs/runbook.md#dead-letters"
  }
  conditions {
    display_name = "messages are given up"
    condition_threshold {
      filter          = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=monitoring.regex.full_match(\"${local.queues}\") AND metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_SUM"
      }
    }
  }
}

resource "google_monitoring_alert_policy" "errors" {
  display_name          = "${local.base}: functions fail"
  combiner              = "OR"
  notification_channels = local.told
  user_labels           = local.labels
  documentation {
    content = "More than one request in twenty has failed for ten minutes. docs/runbook.md#error-ratio"
  }
  conditions {
    display_name = "5xx of all requests"
    condition_threshold {
      filter             = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=monitoring.regex.full_match(\"${local.services}\") AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\""
      denominator_filter = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=monitoring.regex.full_match(\"${local.services}\") AND metric.type=\"run.googleapis.com/request_count\""
      comparison         = "COMPARISON_GT"
      threshold_value    = 0.05
      duration           = "600s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.service_name"]
      }
      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.service_name"]
      }
    }
  }
}

resource "google_monitoring_alert_policy" "backlog" {
  display_name          = "${local.base}: messages wait"
  combiner              = "OR"
  notification_channels = local.told
  user_labels           = local.labels
  documentation {
    content = "The oldest message of a station has waited for half an hour. docs/runbook.md#backlog-age"
  }
  conditions {
    display_name = "the oldest message"
    condition_threshold {
      filter          = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=monitoring.regex.full_match(\"${local.queues}\") AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1800
      duration        = "300s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }
}
