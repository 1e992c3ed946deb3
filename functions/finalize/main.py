"""Closes a batch whose records are all settled: certifies, folds, ends it."""

import functions_framework

from fanfold.ports import Station
from fanfold.serving import Request, serve


@functions_framework.http
def finalize(request: Request) -> tuple[str, int]:
    return serve(Station.FINALIZATIONS, request)
