#!/usr/bin/env python3
"""Turns published protocol cases (botocore's protocol test suites) into models that codegen compiles and a list of cases.

    generate_cases.py CASES_FOLDER CODEGEN_FOLDER OUTPUT_FOLDER

Each suite file becomes one service `protocol_<side>_<name>` (its files written by generate.py), registry.cc lists their
models, cases.json holds the cases. With `--list` in place of OUTPUT_FOLDER only the services' names are printed.
"""
import base64
import json
import pathlib
import re
import sys


def service_id(path):
    return "protocol_" + path.parent.name + "_" + re.sub(r"\W", "_", path.stem)


def merge(suites):
    """One model of all suites of a file: they were cut from one model, so equal names are equal shapes."""
    data = {"metadata": {"endpointPrefix": "cases", **suites[0]["metadata"]}, "shapes": {}, "operations": {}}
    for suite in suites:
        data["shapes"].update(suite["shapes"])
        for case in suite["cases"]:
            given = case["given"]
            operation = data["operations"].setdefault(given["name"], dict(given, errors=[]))
            operation["errors"] += [e for e in given.get("errors", []) if e not in operation["errors"]]
    for name, operation in data["operations"].items():
        if data["metadata"]["protocol"] == "query" and "output" in operation:
            operation["output"] = dict(operation["output"], resultWrapper=name + "Result")  # the suites leave it out
        for error in operation["errors"]:
            data["shapes"].setdefault(error["shape"], {"type": "structure", "members": {}})
    return data


def encode_blobs(value, name, shapes):
    """Cases give blobs as text; described values as JSON have them in base64."""
    shape = shapes[name]
    if value is None or shape.get("document"):
        return value
    if shape["type"] == "blob":
        return base64.b64encode(value.encode()).decode()
    if shape["type"] == "structure":
        return {k: encode_blobs(v, shape["members"][k]["shape"], shapes) if k in shape.get("members", {}) else v
                for k, v in value.items()}
    if shape["type"] == "list":
        return [encode_blobs(v, shape["member"]["shape"], shapes) for v in value]
    if shape["type"] == "map":
        return {k: encode_blobs(v, shape["value"]["shape"], shapes) for k, v in value.items()}
    return value


def cases_of(path, suites, shapes):
    protocol = suites[0]["metadata"]["protocol"]
    for suite in suites:
        for case in suite["cases"]:
            side = path.parent.name
            out = {"id": case["id"], "service": service_id(path), "protocol": protocol, "side": side,
                   "operation": case["given"]["name"]}
            value = case.get("params" if side == "input" else "result")
            shape = case["given"].get(side, {}).get("shape")
            out["value"] = json.dumps(encode_blobs(value, shape, shapes) if shape and value is not None else {})
            message = case["serialized" if side == "input" else "response"]
            body = message.get("body", "")
            if protocol == "smithy-rpc-v2-cbor":
                out["body"] = body
            else:
                out["body"] = base64.b64encode(body.encode()).decode()
            out["has_body"] = "body" in message
            out["headers"] = message.get("headers", {})
            if side == "input":
                out.update(method=message["method"], target=message["uri"], forbidden=message.get("forbidHeaders", []))
            else:
                out.update(status=message["status_code"], error_code=case.get("errorCode", ""),
                           error_message=case.get("errorMessage", ""))
            yield out


def main():
    cases_folder, codegen_folder, output = sys.argv[1:4]
    files = [p for p in sorted(pathlib.Path(cases_folder).glob("*/*.json")) if json.loads(p.read_text())]
    if output == "--list":
        print(";".join(service_id(p) for p in files), end="")
        return
    sys.path.insert(0, codegen_folder)
    import generate
    cases, registry = [], []
    for path in files:
        suites = json.loads(path.read_text())
        data = merge(suites)
        generate.generate(data, list(data["operations"]), service_id(path), output)
        cases += cases_of(path, suites, data["shapes"])
        registry.append(service_id(path))
    lines = [f'#include "{name}/api.h"' for name in registry]
    lines += ['#include "protocol_registry.h"', "", "const brume::aws::ServiceModel* protocol_model(std::string_view name) {"]
    lines += [f'  if (name == "{name}") return &brume::{name}::model();' for name in registry]
    lines += ["  return nullptr;", "}", ""]
    pathlib.Path(output, "registry.cc").write_text("\n".join(lines))
    pathlib.Path(output, "cases.json").write_text(json.dumps(cases, indent=1))


if __name__ == "__main__":
    main()
