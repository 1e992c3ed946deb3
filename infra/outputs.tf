output "api" {
  description = "The address of the API."
  value       = google_cloudfunctions2_function.this["api"].service_config[0].uri
}

output "audience" {
  description = "Whom the tokens of its callers must be meant for."
  value       = local.api_environment.FANFOLD_AUDIENCE
}

output "fan_out_topic" {
  description = "Publishing the documented message here starts a batch."
  value       = google_pubsub_topic.this["fanfold-fan-out"].id
}

output "events_topic" {
  description = "What happens to batches is told here."
  value       = google_pubsub_topic.this["fanfold-events"].id
}

output "environment" {
  description = "For the command line on a desk: export each of these, and `fanfold` looks at this deployment."
  value = {
    FANFOLD_ENGINE   = "google"
    FANFOLD_PROJECT  = var.project
    FANFOLD_DATABASE = local.database
    FANFOLD_PREFIX   = var.prefix
    FANFOLD_BUCKET   = "gs://${google_storage_bucket.blobs.name}"
  }
}

output "dashboard" {
  description = "Where to look."
  value       = "https://console.cloud.google.com/monitoring/dashboards?project=${var.project}"
}
