resource "google_firestore_database" "this" {
  name        = local.database
  location_id = var.location
  type        = "FIRESTORE_NATIVE"
  # Settling is a blind commit; nothing waits for a lock that a dead process holds.
  concurrency_mode                  = "OPTIMISTIC"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.protect ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.protect ? "ABANDON" : "DELETE"

  depends_on = [google_project_service.this]
}

# Collections at the root begin with the prefix, those below a batch do not.
locals {
  collections = {
    for name in ["batches", "runs", "live", "letters", "flows"] : name => "${var.prefix}${name}"
  }
}

resource "google_firestore_index" "this" {
  for_each   = { for it in local.declared.indexes : "${it.collection} ${join(" ", it.fields)}" => it }
  database   = google_firestore_database.this.name
  collection = lookup(local.collections, each.value.collection, each.value.collection)

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path = fields.value
      order      = each.value.descending && fields.key == length(each.value.fields) - 1 ? "DESCENDING" : "ASCENDING"
    }
  }
}

# What nobody asks for has no index of its own: each entry costs time, and what grows in order a hot spot.
resource "google_firestore_field" "unindexed" {
  for_each   = { for it in local.declared.unindexed : "${it.collection}.${it.field}" => it }
  database   = google_firestore_database.this.name
  collection = lookup(local.collections, each.value.collection, each.value.collection)
  field      = each.value.field
  index_config {}
}

# Dead letters that nobody has pruned go by themselves.
resource "google_firestore_field" "expires" {
  for_each   = { for it in local.declared.expiring : "${it.collection}.${it.field}" => it }
  database   = google_firestore_database.this.name
  collection = lookup(local.collections, each.value.collection, each.value.collection)
  field      = each.value.field
  index_config {}
  ttl_config {}
}
