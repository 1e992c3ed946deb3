# Sources, large outputs, orders of dispatch.
resource "google_storage_bucket" "blobs" {
  name                        = "${var.project}-${local.base}"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.protect
  #checkov:skip=CKV_GCP_62:Each access to a blob is one of a function, whose own log says why; access logs would cost more than the blobs
  #checkov:skip=CKV_GCP_78:A blob is written whole, under a name that nothing else ever has: older versions would only be paid for

  lifecycle_rule {
    condition {
      age = var.keep_days
    }
    action {
      type = "Delete"
    }
  }
  # What broke off while it was sent.
  lifecycle_rule {
    condition {
      age = 1
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }

  depends_on = [google_project_service.this]
}

# What the functions are built of.
resource "google_storage_bucket" "staged" {
  name                        = "${var.project}-${local.base}-staged"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
  #checkov:skip=CKV_GCP_62:Only whoever deploys writes here, and the audit log has that

  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      num_newer_versions = 5
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.this]
}

locals {
  # Where they are gone, as after a clean-up, what was made of them can still be destroyed.
  archives = {
    for name in keys(local.functions) : name => fileexists("${var.staged}/${name}.zip") ? filesha256("${var.staged}/${name}.zip") : "gone"
  }
}

# Named by what is in it: what has not changed is not built again. The bucket keeps older ones as versions.
resource "google_storage_bucket_object" "staged" {
  for_each = local.functions
  name     = "${each.key}-${local.archives[each.key]}.zip"
  bucket   = google_storage_bucket.staged.name
  source   = "${var.staged}/${each.key}.zip"
}
