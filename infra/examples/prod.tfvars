# For work that counts: nothing is destroyed by mistake, more at once, and somebody is told.
instances   = 200
slots       = 256
threads     = 32
run_flow    = { memory = "4Gi", cpu = "2" }
protect     = true
alert_email = "oncall@example.com"
api_callers = ["group:data-team@example.com"]
admins      = "group:operators@example.com"
