# With delivery pull: instances of `fanfold worker` that take the runs instead of run_flow.
resource "google_cloud_run_v2_worker_pool" "this" {
  count               = var.delivery == "pull" ? 1 : 0
  name                = "${local.base}-workers"
  location            = var.region
  labels              = local.labels
  deletion_protection = var.protect

  scaling {
    manual_instance_count = var.workers
  }

  template {
    service_account = google_service_account.worker[0].email
    containers {
      image = var.worker_image
      resources {
        limits = { cpu = var.run_flow.cpu, memory = var.run_flow.memory }
      }
      dynamic "env" {
        for_each = merge(local.environment, var.environment)
        content {
          name  = env.key
          value = env.value
        }
      }
      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = var.worker_image != ""
      error_message = "delivery pull needs worker_image: build the staged build/functions/worker first."
    }
  }
}

# What every function may, for a worker does what they all do but the API.
resource "google_project_iam_member" "worker" {
  count   = var.delivery == "pull" ? 1 : 0
  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.worker[0].member
  condition {
    title      = local.in_database.title
    expression = local.in_database.expression
  }
}

resource "google_storage_bucket_iam_member" "worker" {
  count  = var.delivery == "pull" ? 1 : 0
  bucket = google_storage_bucket.blobs.name
  role   = "roles/storage.objectUser"
  member = google_service_account.worker[0].member
}

resource "google_pubsub_topic_iam_member" "worker" {
  for_each = var.delivery == "pull" ? toset(local.declared.topics) : toset([])
  topic    = google_pubsub_topic.this[each.value].name
  role     = "roles/pubsub.publisher"
  member   = google_service_account.worker[0].member
}

resource "google_pubsub_subscription_iam_member" "worker" {
  for_each     = var.delivery == "pull" ? local.declared.subscriptions : {}
  subscription = google_pubsub_subscription.this[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.worker[0].member
}

resource "google_secret_manager_secret_iam_member" "worker" {
  for_each  = var.delivery == "pull" ? var.secrets : {}
  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.worker[0].member
}
