"""`/v1`: the Globus Flows dialect, as its own clients speak it, over the same steps as `/api`.

It is an application of its own, with errors, lists and documents as those clients read them, and
shares the desk: who asks, and what they may. Two variants are spoken at once, the Python one's and
the Go one's; where they differ, a document has both words.

    flows             what is deployed, and what is registered as data; by UUIDs made of the names
    runs              those that were started by themselves; any record's run can be looked at
    web_inputs        the questions that runs wait with
    action_providers  the services that actions call, and the roles that they need
    bulk              many of one call in one request, in order, each with its own error
"""
