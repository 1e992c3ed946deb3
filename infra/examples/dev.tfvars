# One person, one project, to try it out: `fanfold deploy --var-file infra/examples/dev.tfvars`.
prefix      = "dev-"
protect     = false
instances   = 5
keep_days   = 30
api_callers = []
