variable "project" {
  description = "The project that everything is made in."
  type        = string
}

variable "region" {
  description = "Where functions, buckets and the scheduler are."
  type        = string
  default     = "us-central1"
}

variable "location" {
  description = "Where the database is: a region, or a multi-region such as nam5. It cannot be changed later."
  type        = string
  default     = "us-central1"
}

variable "prefix" {
  description = "Begins the names of all there is, so that several deployments fit in a project: empty, or like `team-`."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^([a-z][a-z0-9-]{0,9}-)?$", var.prefix))
    error_message = "The prefix is empty, or begins with a letter, ends with a dash and has eleven characters at most."
  }
}

variable "staged" {
  description = "The folder that `fanfold deploy` has staged the functions in."
  type        = string
  default     = "../build/functions"
}

variable "flows" {
  description = "FANFOLD_FLOWS of the functions: dotted modules that are staged with them, separated by colons."
  type        = string
  default     = "fanfold.flows.echo"
}

variable "environment" {
  description = "More environment variables, for flows, of every function that runs their code."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Environment variables of flows whose value is the latest version of a secret: name => id in Secret Manager."
  type        = map(string)
  default     = {}
}

variable "delivery" {
  description = "How records reach who runs them: pushed to run_flow, or pulled by a pool of workers."
  type        = string
  default     = "push"
  validation {
    condition     = contains(["push", "pull"], var.delivery)
    error_message = "The delivery is push or pull."
  }
}

variable "threads" {
  description = "How many runs one instance has at once (FANFOLD_THREADS)."
  type        = number
  default     = 32
}

variable "slots" {
  description = "How many documents a batch's counters are split over: a write a second each (FANFOLD_SLOTS)."
  type        = number
  default     = 64
}

variable "instances" {
  description = "How many instances run_flow has at most. Pub/Sub pushes no more than they answer: this is the back-pressure."
  type        = number
  default     = 20
}

variable "run_flow" {
  description = "What an instance of run_flow has: memory as 2Gi, and processors."
  type        = object({ memory = string, cpu = string })
  default     = { memory = "2Gi", cpu = "1" }
}

variable "worker_image" {
  description = "With delivery pull: the image of a worker, made of the staged `build/functions/worker`."
  type        = string
  default     = ""
}

variable "workers" {
  description = "With delivery pull: how many instances the pool has."
  type        = number
  default     = 1
}

variable "auth" {
  description = "FANFOLD_AUTH of the API: the issuers of the tokens that it takes."
  type        = string
  default     = "https://accounts.google.com"
}

variable "audience" {
  description = "FANFOLD_AUDIENCE of the API. Empty: its own address."
  type        = string
  default     = ""
}

variable "admins" {
  description = "FANFOLD_ADMINS: who may do everything, separated by commas."
  type        = string
  default     = ""
}

variable "groups_claim" {
  description = "FANFOLD_GROUPS_CLAIM: the claim of a token that lists its groups."
  type        = string
  default     = "groups"
}

variable "api_callers" {
  description = "Who reaches the API at all, as IAM names them: user:ann@example.com. What they may do there is its own business."
  type        = list(string)
  default     = []
}

variable "api_is_public" {
  description = "Whether anybody reaches the API, and its own tokens alone decide: for issuers that Google does not know."
  type        = bool
  default     = false
}

variable "protect" {
  description = "Whether the database and the buckets refuse to be destroyed."
  type        = bool
  default     = true
}

variable "keep_days" {
  description = "After how many days what is left in the bucket of blobs is removed. Results that are there are then gone."
  type        = number
  default     = 400
}

variable "alert_email" {
  description = "Who is told when something is wrong. Empty: nobody."
  type        = string
  default     = ""
}
