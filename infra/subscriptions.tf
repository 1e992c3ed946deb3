resource "google_pubsub_subscription" "this" {
  for_each = local.declared.subscriptions
  name     = "${var.prefix}${each.key}"
  topic    = google_pubsub_topic.this[each.value.topic].name
  labels   = local.labels

  # For push this is also the time limit of a request.
  ack_deadline_seconds       = each.value.ack_deadline
  message_retention_duration = "604800s"

  # It never expires, however long nothing is published: an empty time is no time.
  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "${each.value.min_backoff}s"
    maximum_backoff = "${each.value.max_backoff}s"
  }

  dynamic "dead_letter_policy" {
    for_each = each.value.dead_letters ? [1] : []
    content {
      dead_letter_topic     = google_pubsub_topic.this[local.declared.dead_letters].id
      max_delivery_attempts = local.declared.max_deliveries
    }
  }

  dynamic "push_config" {
    for_each = contains(keys(local.pushed), each.key) ? [1] : []
    content {
      push_endpoint = google_cloudfunctions2_function.this[each.value.function].service_config[0].uri
      oidc_token {
        service_account_email = google_service_account.pusher.email
        audience              = google_cloudfunctions2_function.this[each.value.function].service_config[0].uri
      }
    }
  }
}

# What is delivered too often Pub/Sub takes away itself.
resource "google_pubsub_subscription_iam_member" "takes_away" {
  for_each     = { for name, it in local.declared.subscriptions : name => it if it.dead_letters }
  subscription = google_pubsub_subscription.this[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
