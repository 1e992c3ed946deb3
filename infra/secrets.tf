# The secrets themselves are made and filled by whoever owns them: no value passes through here.
resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = {
    for pair in setproduct(local.runs_user_code, keys(var.secrets)) : "${pair[0]} ${pair[1]}" => {
      function = pair[0], secret = var.secrets[pair[1]]
    }
  }
  project   = var.project
  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.value.function].member
}
