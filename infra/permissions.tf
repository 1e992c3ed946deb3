# Who may call what: docs/security.md draws it.

locals {
  in_database = {
    title      = "${local.base}-database"
    expression = "resource.name == \"projects/${var.project}/databases/${local.database}\""
  }
}

resource "google_project_iam_member" "documents" {
  for_each = local.functions
  project  = var.project
  role     = "roles/datastore.user"
  member   = google_service_account.function[each.key].member
  condition {
    title      = local.in_database.title
    expression = local.in_database.expression
  }
}

resource "google_storage_bucket_iam_member" "blobs" {
  for_each = { for name, its in local.declared.functions : name => its.blobs }
  bucket   = google_storage_bucket.blobs.name
  role     = each.value == "writes" ? "roles/storage.objectUser" : "roles/storage.objectViewer"
  member   = google_service_account.function[each.key].member
}

resource "google_cloud_run_v2_service_iam_member" "pushed" {
  for_each = toset([for name in keys(local.functions) : name if name != "api"])
  location = var.region
  name     = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.pusher.member
}

resource "google_cloud_run_v2_service_iam_member" "api" {
  for_each = toset(var.api_callers)
  location = var.region
  name     = google_cloudfunctions2_function.this["api"].name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_cloud_run_v2_service_iam_member" "everybody" {
  count    = var.api_is_public ? 1 : 0
  location = var.region
  name     = google_cloudfunctions2_function.this["api"].name
  role     = "roles/run.invoker"
  member   = "allUsers"
  #checkov:skip=CKV_GCP_102:Only where api_is_public says so: the API asks everybody for a token itself
}

# Pub/Sub signs the tokens of what it pushes as this account.
resource "google_service_account_iam_member" "signs" {
  service_account_id = google_service_account.pusher.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
}

resource "google_project_iam_member" "builds" {
  for_each = toset(["roles/logging.logWriter", "roles/artifactregistry.writer"])
  project  = var.project
  role     = each.value
  member   = google_service_account.builder.member
}

# Cloud Functions copies what it builds into a bucket of its own first.
resource "google_project_iam_member" "builds_read" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = google_service_account.builder.member
  condition {
    title      = "${local.base}-copied-sources"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-\")"
  }
}

resource "google_storage_bucket_iam_member" "builds" {
  bucket = google_storage_bucket.staged.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.builder.member
}
