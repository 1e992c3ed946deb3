locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# One for each function, with the least that it needs: permissions.tf.
resource "google_service_account" "function" {
  for_each     = local.functions
  account_id   = "${var.prefix}ff-${replace(each.key, "_", "-")}"
  display_name = "Fanfold: ${each.key}"
}

# Pub/Sub pushes as this one, and the scheduler calls as it. It may call functions, and nothing else.
resource "google_service_account" "pusher" {
  account_id   = "${var.prefix}ff-pusher"
  display_name = "Fanfold: pushes to the functions"
}

# Builds the functions.
resource "google_service_account" "builder" {
  account_id   = "${var.prefix}ff-builder"
  display_name = "Fanfold: builds the functions"
}

# With delivery pull.
resource "google_service_account" "worker" {
  count        = var.delivery == "pull" ? 1 : 0
  account_id   = "${var.prefix}ff-worker"
  display_name = "Fanfold: workers that pull"
}
