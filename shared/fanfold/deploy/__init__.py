"""From a checkout to functions that can be deployed, and to what Terraform is told of them.

declared       what the code needs of the cloud, as the Terraform in `infra/` reads it
duties         what each function may do there
wheel          fanfold as one file
requirements   the pins that a function is installed with, the user's own among them
stage          the folders and archives that functions are built of
commands       what `fanfold deploy` and `destroy` run, as they print it
"""
