"""The HTTP API: translation between HTTP and the steps, and nothing else.

    request ─▶ who asks ─▶ may they? ─▶ a step ─▶ its answer as JSON
                  │            │           │
                  └── 401      └── 404     └── an error's own status (errors.HANDLING)
                                   403

A call decides nothing that a step does not. Each answer's shape is a model in `shapes`, so that the
OpenAPI document is derived from what is sent.
"""
