locals {
  # What the code goes by, written by `python -m fanfold.deploy.declared`; a test holds it against the code.
  declared = jsondecode(file("${path.module}/declared.json"))

  base     = "${var.prefix}fanfold"
  database = "${var.prefix}fanfold"

  # Each function: what an instance has, how many requests it takes at once, how many instances there are at most.
  functions = {
    api = {
      memory = "1Gi", cpu = "1", requests = 40, instances = 10, timeout = 3600
    }
    fan_out = {
      memory = "1Gi", cpu = "1", requests = 8, instances = 10, timeout = 600
    }
    run_flow = {
      memory = var.run_flow.memory, cpu = var.run_flow.cpu, requests = 2 * var.threads, instances = var.instances, timeout = 600
    }
    finalize = {
      memory = "2Gi", cpu = "1", requests = 8, instances = 10, timeout = 600
    }
    dead_letter = {
      memory = "512Mi", cpu = "1", requests = 8, instances = 2, timeout = 600
    }
    sweep = {
      memory = "1Gi", cpu = "1", requests = 1, instances = 1, timeout = 540
    }
  }

  # Who gets a station's messages; with delivery pull, those of runs go to nobody's function.
  pushed = {
    for name, it in local.declared.subscriptions : name => it
    if !(it.station == "runs" && var.delivery == "pull")
  }

  api_address = "https://${local.base}-api-${data.google_project.this.number}.${var.region}.run.app"

  labels = { app = "fanfold", deployment = var.prefix == "" ? "default" : trimsuffix(var.prefix, "-") }

  # Those in which code of flows runs: sources, runs, folds.
  runs_user_code = ["api", "fan_out", "run_flow", "finalize"]
}
