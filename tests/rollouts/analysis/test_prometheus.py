"""Measurements from Prometheus. Known answers: Argo Rollouts' metricproviders/prometheus tests, client_golang 1.24."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs

import pytest

from canarium.clock import VirtualClock, run_virtual
from canarium.kube.objects import Obj
from canarium.nodes.network import HttpResponse, NetworkError
from canarium.rollouts.analysis.providers import Peers, ProviderError, new_provider
from tests.rollouts.analysis.answers import Answers, ok, refused, vector

ADDRESS = "http://prometheus"


def measured(network: Answers, *, default: str = "", conditions: dict[str, str] | None = None, **spec: Any) -> Obj:
    metric = {
        "name": "m",
        "provider": {"prometheus": {"address": ADDRESS, "query": "test", **spec}},
        **(conditions or {}),
    }

    async def main(clock: VirtualClock) -> Obj:
        peers = Peers(network=network, clock=clock, prometheus_address=default)
        return await new_provider(metric, peers).run()

    return run_virtual(main)


def answering(answer: Any) -> Answers:
    return Answers({"prometheus": {"*": answer}})


MATRIX = {
    "resultType": "matrix",
    "result": [
        {"metric": {}, "values": [[1, "11"], [2, "12"]]},
        {"metric": {}, "values": [[1, "13"], [2, "14"]]},
    ],
}


@pytest.mark.parametrize(
    ("data", "conditions", "value", "phase"),
    [
        ({"resultType": "scalar", "result": [0, "10"]}, {"successCondition": "result == 10"}, "10", "Successful"),
        ({"resultType": "scalar", "result": [0, "NaN"]}, {"successCondition": "result >= 0.9"}, "NaN", "Failed"),
        (
            {"resultType": "scalar", "result": [0, "NaN"]},
            {"successCondition": "result >= 0.9", "failureCondition": "result < 0.9"},
            "NaN",
            "Inconclusive",
        ),
        ({"resultType": "scalar", "result": [0, "+Inf"]}, {"successCondition": "result >= 0.9"}, "+Inf", "Successful"),
        (vector("10", "11"), {"successCondition": "10 in result"}, "[10,11]", "Successful"),
        (vector("0.5"), {"failureCondition": "result[0] < 0.9"}, "[0.5]", "Failed"),
        (vector(), {}, "[]", "Successful"),
        (vector("1"), {"successCondition": "true", "failureCondition": "true"}, "[1]", "Failed"),
        (MATRIX, {"successCondition": "len(result) == 4"}, "[11,12,13,14]", "Successful"),
    ],
)
def test_values_and_what_they_mean(data: Any, conditions: dict[str, str], value: str, phase: str) -> None:
    found = measured(answering(data), conditions=conditions)

    assert (found["value"], found["phase"]) == (value, phase)
    assert found["startedAt"]
    assert found["finishedAt"]


def test_the_request_is_a_form_as_the_go_client_posts_it() -> None:
    network = answering(vector("1"))

    measured(
        network,
        query="sum(up) # a+b",
        address="http://prometheus/",
        headers=[{"key": "x-scope-orgid", "value": "t"}],
        authentication={"basicAuth": {"username": "u", "password": "p"}},
        timeout=5,
    )

    [request] = network.requests
    assert (request.method, request.url) == ("POST", "http://prometheus/api/v1/query")
    assert request.headers == {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": "Basic " + base64.b64encode(b"u:p").decode(),
        "X-Scope-Orgid": "t",
    }
    assert request.body == b"query=sum%28up%29+%23+a%2Bb&time=1767603600"
    assert network.timeouts == [5.0]


@pytest.mark.parametrize("status", [403, 405, 501])
def test_a_server_that_takes_no_post_is_asked_by_get(status: int) -> None:
    network = answering([HttpResponse(status, {}, b""), ok({"status": "success", "data": vector("1")})])

    found = measured(network)

    assert found["phase"] == "Successful"
    assert [request.method for request in network.requests] == ["POST", "GET"]
    assert network.requests[1].url == "http://prometheus/api/v1/query?query=test&time=1767603600"
    assert network.timeouts == [30.0, 30.0]


def test_a_range_query() -> None:
    network = answering(MATRIX)

    measured(network, rangeQuery={"start": 'now() - duration("1h") - duration("5m")', "end": "now()", "step": "1m30s"})

    [request] = network.requests
    assert request.url == "http://prometheus/api/v1/query_range"
    assert parse_qs(request.body.decode()) == {
        "query": ["test"],
        "start": ["1767599700"],
        "end": ["1767603600"],
        "step": ["90"],
    }


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ({"start": 'now() - duration("??")'}, 'failed to parse rangeQuery.start as time: time: invalid duration "??"'),
        ({"end": 'now() - duration("??")'}, 'failed to parse rangeQuery.end as time: time: invalid duration "??"'),
        ({"step": "??"}, 'failed to parse rangeQuery.step as duration: time: invalid duration "??"'),
    ],
)
def test_a_range_that_is_none(window: dict[str, str], message: str) -> None:
    found = measured(answering(MATRIX), rangeQuery={"start": "now()", "end": "now()", "step": "1m", **window})

    assert (found["phase"], found["message"]) == ("Error", message)
    assert "value" not in found


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            refused("bad_data", 'invalid parameter "query": 1:1: parse error: no expression found in input'),
            'bad_data: invalid parameter "query": 1:1: parse error: no expression found in input',
        ),
        (refused("execution", "boom", 422), "execution: boom"),
        (HttpResponse(503, {}, b"x"), "server_error: server error: 503"),
        (HttpResponse(404, {}, b"x"), "client_error: client error: 404"),
        (HttpResponse(302, {}, b"x"), "bad_response: bad response code 302"),
        (HttpResponse(200, {}, b"<html>"), "bad_response: invalid character '<' looking for beginning of value"),
        (HttpResponse(200, {}, b""), "bad_response: unexpected end of JSON input"),
        (HttpResponse(204, {}, b""), "unexpected end of JSON input"),
        (ok({"status": "success", "data": vector()}, 400), "bad_response: inconsistent body for response code"),
        (
            ok({"status": "success", "data": {"resultType": "string", "result": [1, "x"]}}),
            'unexpected value type "string"',
        ),
        (
            NetworkError('Post "http://prometheus/api/v1/query": dial tcp 10.0.0.1:80: connect: connection refused'),
            'Post "http://prometheus/api/v1/query": dial tcp 10.0.0.1:80: connect: connection refused',
        ),
        (
            NetworkError(
                'Post "http://prometheus/api/v1/query": context deadline exceeded '
                "(Client.Timeout exceeded while awaiting headers)"
            ),
            'Post "http://prometheus/api/v1/query": context deadline exceeded',
        ),
    ],
)
def test_what_goes_wrong_is_told_in_the_go_clients_words(answer: Any, message: str) -> None:
    found = measured(answering(answer))

    assert (found["phase"], found["message"]) == ("Error", message)
    assert "value" not in found
    assert found["finishedAt"]


def test_a_condition_on_no_data_says_so() -> None:
    found = measured(answering(vector()), conditions={"successCondition": "result[0] >= 1"})

    assert found["phase"] == "Error"
    assert found["message"] == (
        'could not evaluate successCondition "result[0] >= 1": metric result is nil or empty: '
        "no data returned from the metric provider"
    )
    assert "value" not in found


def test_a_condition_that_is_wrong_says_so() -> None:
    found = measured(answering(vector("1")), conditions={"failureCondition": "reslt[0] >= 1"})

    assert found["phase"] == "Error"
    assert found["message"] == 'could not evaluate failureCondition "reslt[0] >= 1": unknown name reslt'


def test_warnings_are_kept() -> None:
    answer = ok({"status": "success", "data": vector("1"), "warnings": ["warning", "warning2"]})

    assert measured(answering(answer))["metadata"] == {"warnings": '"warning", "warning2"'}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"address": ""}, "prometheus address is not configured"),
        ({"address": ":invalid::url"}, "prometheus address is not is url format"),
        ({"address": "prometheus:9090"}, "prometheus address is not is url format"),
        ({"address": "http://prom etheus"}, "prometheus address is not is url format"),
        ({"address": "http://prometheus:port"}, "prometheus address is not is url format"),
        ({"address": "http://prometheus/%zz"}, "prometheus address is not is url format"),
        (
            {"authentication": {"basicAuth": {"password": "x"}}},
            "missing mandatory parameter in metric for basic auth setup: username",
        ),
        (
            {"authentication": {"basicAuth": {"username": "x"}}},
            "missing mandatory parameter in metric for basic auth setup: password",
        ),
        (
            {"authentication": {"oauth2": {"tokenUrl": "http://x"}}},
            "missing mandatory parameter in metric for OAuth2 setup",
        ),
        ({"timeout": -20}, "prometheus timeout should not be negative"),
    ],
)
def test_a_metric_that_cannot_be_set_up(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ProviderError) as caught:
        measured(answering(vector()), **spec)

    assert caught.value.problem == message
    assert caught.value.next_step


def test_the_controllers_address_serves_metrics_without_one() -> None:
    network = Answers({"fallback:9090": {"*": vector("1")}})

    assert measured(network, address="", default="http://fallback:9090")["phase"] == "Successful"


def test_a_provider_that_is_not_built_says_its_name() -> None:
    async def main(clock: VirtualClock) -> None:
        new_provider({"name": "m", "provider": {"datadog": {}}}, Peers(network=answering(0), clock=clock))

    with pytest.raises(ProviderError, match=r"cannot measure with the provider datadog yet \(metric 'm'\)"):
        run_virtual(main)
