"""What every kind of endpoint answers, and what that means: as tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ebbtide.models.delivery.answer import DETAIL, OVERLOADED_S, Answer, Blame, Outcome, by_status
from ebbtide.models.delivery.formats.registry import FORMATS, FormatName
from ebbtide.models.delivery.target import Target
from ebbtide.schemas.deliveries import DeliveryReason as Reason
from support.delivered import record

TARGET = Target("crm", "https://crm.example.com", object="companies", id_field="ebbtide_id",
                properties=(("churn", "p_churn"),))  # fmt: skip
ENDPOINT, RECORD, REQUEST = Blame.ENDPOINT, Blame.RECORD, Blame.REQUEST
FAILED, THROTTLED, REJECTED, DELIVERED = Outcome.FAILED, Outcome.THROTTLED, Outcome.REJECTED, Outcome.DELIVERED


def answer(status: int, body: Any = None, retry_after_s: float | None = None) -> Answer:
    return Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode(), retry_after_s)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("given", "outcome", "reason", "blame"),
    [
        (Answer(None, fault=Reason.TIMEOUT), FAILED, Reason.TIMEOUT, ENDPOINT),
        (Answer(None), FAILED, Reason.CONNECTION, ENDPOINT),
        (Answer(200, fault=Reason.TRUNCATED), FAILED, Reason.TRUNCATED, ENDPOINT),
        (Answer(302), FAILED, Reason.REDIRECTED, ENDPOINT),
        (Answer(400), FAILED, Reason.HTTP_STATUS, REQUEST),
        (Answer(401), FAILED, Reason.UNAUTHORISED, ENDPOINT),
        (Answer(404), FAILED, Reason.HTTP_STATUS, ENDPOINT),
        (Answer(410), Outcome.GONE, Reason.GONE, ENDPOINT),
        (Answer(422), FAILED, Reason.HTTP_STATUS, REQUEST),
        (Answer(429, retry_after_s=3.0), THROTTLED, Reason.RATE_LIMITED, ENDPOINT),
        (Answer(500), FAILED, Reason.HTTP_STATUS, ENDPOINT),
        (Answer(500, retry_after_s=9.0), FAILED, Reason.HTTP_STATUS, ENDPOINT),
        (Answer(502, retry_after_s=9.0), FAILED, Reason.HTTP_STATUS, ENDPOINT),
        (Answer(503), FAILED, Reason.HTTP_STATUS, ENDPOINT),
        (Answer(503, retry_after_s=9.0), THROTTLED, Reason.RATE_LIMITED, ENDPOINT),
    ],
)
def test_some_answers_mean_the_same_everywhere(
    name: FormatName, given: Answer, outcome: Outcome, reason: Reason, blame: Blame
) -> None:
    (verdict,) = FORMATS[name].judge(given, [record()], TARGET)
    assert (verdict.outcome, verdict.reason, verdict.blame) == (outcome, reason, blame)
    assert verdict.retry_after_s == given.retry_after_s


@pytest.mark.parametrize("status", [502, 504])
def test_gateways_that_are_overloaded_are_asked_less(status: int) -> None:
    """Standard Webhooks: "recommended to throttle the requests"; it is a failure all the same."""
    verdict = by_status(Answer(status))
    assert verdict is not None
    assert (verdict.outcome, verdict.blame, verdict.retry_after_s) == (FAILED, ENDPOINT, OVERLOADED_S)


@pytest.mark.parametrize(
    ("name", "given", "outcome", "reason", "blame"),
    [
        ("standard", answer(204, b""), DELIVERED, None, ENDPOINT),
        ("standard", answer(200, {"code": 500}), DELIVERED, None, ENDPOINT),
        ("cloudevents", answer(202, b"thanks"), DELIVERED, None, ENDPOINT),
        ("slack", answer(200, b"ok\n"), DELIVERED, None, ENDPOINT),
        ("slack", answer(200, b"no_text"), FAILED, Reason.ERROR_CODE, ENDPOINT),
        ("feishu", answer(200, {"code": 0, "msg": "success"}), DELIVERED, None, ENDPOINT),
        ("feishu", answer(200, {"StatusCode": 0}), DELIVERED, None, ENDPOINT),
        ("feishu", answer(200, {"code": 11232}), THROTTLED, Reason.RATE_LIMITED, ENDPOINT),
        ("feishu", answer(200, {"code": 19021}), FAILED, Reason.UNAUTHORISED, ENDPOINT),
        ("feishu", answer(200, {"code": 9499}), FAILED, Reason.ERROR_CODE, REQUEST),
        ("feishu", answer(200, {"code": 19024, "msg": "Key Words Not Found"}), FAILED, Reason.ERROR_CODE, REQUEST),
        ("feishu", answer(200, b""), FAILED, Reason.ERROR_CODE, ENDPOINT),
        ("dingtalk", answer(200, {"errcode": 0, "errmsg": "ok"}), DELIVERED, None, ENDPOINT),
        ("dingtalk", answer(200, {"errcode": 130101}), THROTTLED, Reason.RATE_LIMITED, ENDPOINT),
        ("dingtalk", answer(200, {"errcode": 410100}), THROTTLED, Reason.RATE_LIMITED, ENDPOINT),
        ("dingtalk", answer(200, {"errcode": 310000, "errmsg": "sign not match"}), FAILED, Reason.UNAUTHORISED,
         ENDPOINT),
        ("dingtalk", answer(200, {"errcode": 310000, "errmsg": "keywords not in content"}), FAILED, Reason.ERROR_CODE,
         REQUEST),
        ("dingtalk", answer(200, {"errcode": 310000, "errmsg": "错误描述:关键词不匹配"}), FAILED, Reason.ERROR_CODE,
         REQUEST),
        ("dingtalk", answer(200, {"errcode": 400102}), FAILED, Reason.UNAUTHORISED, ENDPOINT),
        ("dingtalk", answer(200, {"errcode": -1}), FAILED, Reason.ERROR_CODE, ENDPOINT),
        ("dingtalk", answer(200, {"errcode": 430102}), REJECTED, Reason.REJECTED, RECORD),
        ("dingtalk", answer(200, [0]), FAILED, Reason.ERROR_CODE, ENDPOINT),
        ("wecom", answer(200, {"errcode": 0}), DELIVERED, None, ENDPOINT),
        ("wecom", answer(200, {"errcode": 45009}), THROTTLED, Reason.RATE_LIMITED, ENDPOINT),
        ("wecom", answer(200, {"errcode": -1}), FAILED, Reason.ERROR_CODE, ENDPOINT),
        ("wecom", answer(200, {"errcode": 93000}), FAILED, Reason.UNAUTHORISED, ENDPOINT),
        ("wecom", answer(200, {"errcode": 40058}), FAILED, Reason.ERROR_CODE, REQUEST),
        ("fxiaoke", answer(200, {"errorCode": 0}), DELIVERED, None, ENDPOINT),
        ("fxiaoke", answer(200, {"errorCode": 20016}), FAILED, Reason.UNAUTHORISED, ENDPOINT),
        ("fxiaoke", answer(200, {"errorCode": 20017}), FAILED, Reason.UNAUTHORISED, ENDPOINT),
        ("fxiaoke", answer(200, {"errorCode": 30003}), FAILED, Reason.UNAUTHORISED, ENDPOINT),
        ("fxiaoke", answer(200, {"errorCode": 30004}), THROTTLED, Reason.RATE_LIMITED, ENDPOINT),
        ("fxiaoke", answer(200, {"errorCode": 30002}), THROTTLED, Reason.RATE_LIMITED, ENDPOINT),
        ("fxiaoke", answer(200, {"errorCode": 50009}), FAILED, Reason.ERROR_CODE, ENDPOINT),
        ("fxiaoke", answer(200, {"errorCode": 1, "errorMessage": "too frequently"}), FAILED, Reason.ERROR_CODE, RECORD),
        ("fxiaoke", answer(200, {"errorCode": 30001}), FAILED, Reason.ERROR_CODE, RECORD),
        ("fxiaoke", answer(200, {"errorCode": -1}), FAILED, Reason.ERROR_CODE, ENDPOINT),
        ("fxiaoke", answer(200, b"<html>"), FAILED, Reason.ERROR_CODE, ENDPOINT),
        ("hubspot", answer(200, {"status": "COMPLETE", "results": []}), DELIVERED, None, ENDPOINT),
        ("hubspot", answer(200, {"status": "error", "message": "?"}), FAILED, Reason.ERROR_CODE, REQUEST),
        ("hubspot", answer(200, b"<html>"), FAILED, Reason.ERROR_CODE, ENDPOINT),
        ("hubspot", answer(423), THROTTLED, Reason.RATE_LIMITED, ENDPOINT),
        ("hubspot", answer(400, {"status": "error", "category": "VALIDATION_ERROR", "message": "bad date"}), REJECTED,
         Reason.REJECTED, RECORD),
        ("hubspot", answer(400, {"status": "error", "category": "VALIDATION_ERROR", "message": "?",
                                 "errors": [{"code": "PROPERTY_DOESNT_EXIST"}]}), FAILED, Reason.HTTP_STATUS, ENDPOINT),
        ("hubspot", answer(400, {"status": "error", "category": "OTHER"}), FAILED, Reason.HTTP_STATUS, REQUEST),
        ("hubspot", answer(403, {"status": "error", "category": "MISSING_SCOPES"}), FAILED, Reason.UNAUTHORISED,
         ENDPOINT),
        ("salesforce", answer(400, [{"errorCode": "INVALID_FIELD"}]), FAILED, Reason.HTTP_STATUS, ENDPOINT),
        ("salesforce", answer(400, [{"errorCode": "JSON_PARSER_ERROR"}]), FAILED, Reason.HTTP_STATUS, REQUEST),
        ("salesforce", answer(401, [{"errorCode": "INVALID_SESSION_ID"}]), FAILED, Reason.UNAUTHORISED, ENDPOINT),
        ("salesforce", answer(200, [{"success": False, "errors": [{"statusCode": "INVALID_FIELD"}]}]), FAILED,
         Reason.ERROR_CODE, ENDPOINT),
        ("salesforce", answer(200, [{"success": True}]), DELIVERED, None, ENDPOINT),
        ("salesforce", answer(200, [{"success": False}]), FAILED, Reason.RECORD_FAILED, RECORD),
        ("salesforce", answer(200, ["?"]), FAILED, Reason.RECORD_FAILED, RECORD),
        ("salesforce", answer(200, []), FAILED, Reason.ERROR_CODE, REQUEST),
        ("salesforce", answer(200, {"success": True}), FAILED, Reason.ERROR_CODE, REQUEST),
        ("salesforce", answer(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]), THROTTLED, Reason.RATE_LIMITED,
         ENDPOINT),
        ("salesforce", answer(403, ["?"]), FAILED, Reason.UNAUTHORISED, ENDPOINT),
    ],
)  # fmt: skip
def test_200_is_not_enough(
    name: FormatName, given: Answer, outcome: Outcome, reason: Reason | None, blame: Blame
) -> None:
    (verdict,) = FORMATS[name].judge(given, [record()], TARGET)
    assert (verdict.outcome, verdict.reason, verdict.blame) == (outcome, reason, blame)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"code": 0}, DELIVERED),
        ({"code": "0"}, DELIVERED),
        ({"code": 200}, DELIVERED),
        ({"code": True}, DELIVERED),
        ({"code": "success"}, DELIVERED),
        ({}, DELIVERED),
        (b"", DELIVERED),
        ([], DELIVERED),
        ({"code": 500}, FAILED),
        ({"code": False}, FAILED),
        ({"code": "E1"}, FAILED),
        ({"code": {"nested": 1}}, FAILED),
    ],
)
def test_an_in_house_receiver_may_tell_errors_in_a_field(body: Any, outcome: Outcome) -> None:
    target = Target("house", "https://example.com", code_field="code")
    (verdict,) = FORMATS["standard"].judge(answer(200, body), [record()], target)
    assert verdict.outcome is outcome


@pytest.mark.parametrize(
    ("name", "given", "pause_s"),
    [
        ("hubspot", answer(423), 2.0),
        ("hubspot", answer(429, {"policyName": "DAILY"}), 3_600.0),
        ("hubspot", answer(429, {"policyName": "TEN_SECONDLY_ROLLING"}), 10.0),
        ("hubspot", answer(429, {"policyName": "DAILY"}, 7.0), 7.0),
        ("hubspot", answer(429, ["?"]), None),
        ("dingtalk", answer(200, {"errcode": 130101}), 600.0),
        ("wecom", answer(200, {"errcode": 45009}), 60.0),
        ("feishu", answer(200, {"code": 11232}), None),
        ("fxiaoke", answer(200, {"errorCode": 30004}), 20.0),
        ("fxiaoke", answer(200, {"errorCode": 30002}), 3_600.0),
    ],
)
def test_a_pause_is_as_long_as_the_service_says_or_documents(
    name: FormatName, given: Answer, pause_s: float | None
) -> None:
    (verdict,) = FORMATS[name].judge(given, [record()], TARGET)
    assert (verdict.outcome, verdict.retry_after_s) == (THROTTLED, pause_s)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("hubspot", answer(400, {"status": "error", "category": "VALIDATION_ERROR", "message": "bad date"})),
        ("dingtalk", answer(200, {"errcode": 430102})),
    ],
)
def test_of_several_nobody_is_rejected_for_the_fault_of_one(name: FormatName, given: Answer) -> None:
    verdicts = FORMATS[name].judge(given, [record("a"), record("b")], TARGET)
    assert [(one.outcome, one.blame) for one in verdicts] == [(FAILED, REQUEST)] * 2


def test_hubspot_tells_of_each_record() -> None:
    messages = [record(f"c{number}") for number in range(7)]
    body = {
        "status": "COMPLETE",
        "numErrors": 5,
        "results": [{"id": "1", "properties": {"ebbtide_id": "c0"}}],
        "errors": [
            {"category": "VALIDATION_ERROR", "message": "bad", "context": {"objectWriteTraceId": [messages[1].id]}},
            {"category": "CONFLICT", "message": "busy", "context": {"ids": ["c2"]}},
            {"category": "RATE_LIMITS", "context": {"ids": ["c3", "c5"]}},
            {"category": "OBJECT_NOT_FOUND", "context": None},
            {
                "category": "VALIDATION_ERROR",
                "message": 'not valid: [{"error":"PROPERTY_DOESNT_EXIST"}]',
                "context": {"objectWriteTraceId": [messages[6].id]},
            },
            "?",
        ],
    }
    verdicts = FORMATS["hubspot"].judge(answer(207, body), messages, TARGET)
    assert [(one.outcome, one.blame) for one in verdicts] == [
        (DELIVERED, ENDPOINT),
        (REJECTED, RECORD),
        (FAILED, RECORD),
        (THROTTLED, ENDPOINT),
        (FAILED, REQUEST),
        (THROTTLED, ENDPOINT),
        (FAILED, ENDPOINT),
    ]


def test_salesforce_tells_of_each_record_in_order() -> None:
    errors = [
        [],
        [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked"}],
        [{"statusCode": "REQUIRED_FIELD_MISSING", "message": "Name"}],
        [{"statusCode": "REQUEST_LIMIT_EXCEEDED", "message": "wait"}],
    ]
    body = [{"success": not found, "errors": found} for found in errors]
    verdicts = FORMATS["salesforce"].judge(answer(200, body), [record(f"c{n}") for n in range(4)], TARGET)
    assert [one.outcome for one in verdicts] == [DELIVERED, FAILED, REJECTED, THROTTLED]
    assert verdicts[2].detail == "REQUIRED_FIELD_MISSING: Name"


def test_what_is_kept_of_an_answer_is_short_and_one_line() -> None:
    assert Answer(500, b"a\n  b\xff" * 1_000).text().startswith("a b\ufffda b")
    assert len(Answer(500, b"x" * 9_999).text()) == DETAIL
    assert by_status(Answer(200)) is None
    assert Answer(200, b"\xff").json() is None
