resource "google_pubsub_topic" "this" {
  for_each = toset(local.declared.topics)
  name     = "${var.prefix}${each.value}"
  labels   = local.labels
  #checkov:skip=CKV_GCP_83:Messages are encrypted with Google's keys; a key of one's own is a decision of whoever deploys

  depends_on = [google_project_service.this]
}

# The dead letters come from Pub/Sub itself.
resource "google_pubsub_topic_iam_member" "dead_letters" {
  topic  = google_pubsub_topic.this[local.declared.dead_letters].name
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

# Who publishes what: no function may publish where it has no business.
resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = merge([
    for function, its in local.declared.functions : {
      for topic in its.publishes : "${function} ${topic}" => { function = function, topic = topic }
    }
  ]...)
  topic  = google_pubsub_topic.this[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.function[each.value.function].member
}
