locals {
  environment = {
    FANFOLD_ENGINE       = "google"
    FANFOLD_PROJECT      = var.project
    FANFOLD_DATABASE     = local.database
    FANFOLD_PREFIX       = var.prefix
    FANFOLD_BUCKET       = "gs://${google_storage_bucket.blobs.name}"
    FANFOLD_FLOWS        = var.flows
    FANFOLD_SLOTS        = tostring(var.slots)
    FANFOLD_THREADS      = tostring(var.threads)
    FANFOLD_PUSH_ACCOUNT = google_service_account.pusher.email
    FANFOLD_LOG          = "json"
    # /tmp is memory, and all that may be written to: nothing that counts is kept there.
    FANFOLD_HOME = "/tmp/fanfold"
  }
  api_environment = {
    FANFOLD_AUTH         = var.auth
    FANFOLD_AUDIENCE     = var.audience == "" ? local.api_address : var.audience
    FANFOLD_ADMINS       = var.admins
    FANFOLD_GROUPS_CLAIM = var.groups_claim
  }
}

resource "google_cloudfunctions2_function" "this" {
  for_each    = local.functions
  name        = "${local.base}-${replace(each.key, "_", "-")}"
  location    = var.region
  description = "Fanfold: ${each.key}"
  labels      = local.labels

  build_config {
    runtime         = "python311"
    entry_point     = each.key
    service_account = google_service_account.builder.id
    source {
      storage_source {
        bucket = google_storage_bucket.staged.name
        object = google_storage_bucket_object.staged[each.key].name
      }
    }
  }

  service_config {
    available_memory                 = each.value.memory
    available_cpu                    = each.value.cpu
    max_instance_request_concurrency = each.value.requests
    max_instance_count               = each.value.instances
    min_instance_count               = 0
    timeout_seconds                  = each.value.timeout
    service_account_email            = google_service_account.function[each.key].email
    # Pub/Sub and the scheduler come from inside; who may call is IAM's to say.
    ingress_settings               = each.key == "api" ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    all_traffic_on_latest_revision = true

    environment_variables = merge(
      local.environment,
      { THREADS = tostring(each.value.requests) },
      each.key == "api" ? local.api_environment : {},
      contains(local.runs_user_code, each.key) ? var.environment : {},
    )

    dynamic "secret_environment_variables" {
      for_each = contains(local.runs_user_code, each.key) ? var.secrets : {}
      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = secret_environment_variables.value
        version    = "latest"
      }
    }
  }
  #checkov:skip=CKV_GCP_124:The api function has callers outside; it lets in whom IAM names, and asks them for a token itself

  depends_on = [
    google_project_iam_member.builds,
    google_project_iam_member.builds_read,
    google_storage_bucket_iam_member.builds,
    google_secret_manager_secret_iam_member.reads,
  ]
}
