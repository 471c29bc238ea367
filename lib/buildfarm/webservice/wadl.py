"""The WADL of the web service: what launchpadlib reads to know what it can ask for.

wadllib looks for these ids: `#NAME` is the resource type of an entry, `#NAME-full` and `#NAME-diff`
its representations, `#NAME-page` and `#NAME-page-resource` a collection of such entries; the root
is `#service-root`.

Layer 5. Tests: tests/unit/webservice/test_wadl.py.
"""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from buildfarm.webservice.declarations import (
    Answer,
    CollectionType,
    EntryType,
    Field,
    Kind,
    Operation,
    Parameter,
    Service,
)

MEDIA_TYPE = "application/vnd.sun.wadl+xml"

_NAMESPACE = "http://research.sun.com/wadl/2006/10"
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"


def wadl(service: Service, root: str) -> bytes:
    """The document for the service at `root`, a URL that ends with a slash."""
    application = Element(
        "application",
        {"xmlns": _NAMESPACE, "xmlns:xsd": "http://www.w3.org/2001/XMLSchema"},
    )
    resources = SubElement(application, "resources", base=root)
    SubElement(resources, "resource", path="", type="#service-root")
    _root(application, service, root)
    _special_types(application)
    for collection in service.collections.values():
        _collection(application, collection, root)
    for entry in service.entries.values():
        _entry(application, entry, root)
    document: bytes = ElementTree.tostring(application, encoding="utf-8", xml_declaration=True)
    return document


def _root(application: Element, service: Service, root: str) -> None:
    kind = SubElement(application, "resource_type", id="service-root")
    _get(kind, "#service-root-json")
    shown = SubElement(application, "representation", id="service-root-json", mediaType=_JSON)
    _param(shown, "resource_type_link")
    for collection in service.collections.values():
        link = _param(shown, f"{collection.name}_collection_link")
        SubElement(link, "link", resource_type=f"{root}#{collection.name}")
    for name in service.tops:
        SubElement(_param(shown, f"{name}_link"), "link", resource_type=f"{root}#{name}")
    SubElement(_param(shown, "me_link"), "link", resource_type=f"{root}#person")


def _special_types(application: Element) -> None:
    """Types that lazr.restfulclient knows by name: a bare value, and a file."""
    scalar = SubElement(application, "resource_type", id="ScalarValue")
    _get(scalar, "#ScalarValue-json")
    SubElement(application, "representation", id="ScalarValue-json", mediaType=_JSON)
    hosted = SubElement(application, "resource_type", id="HostedFile")
    SubElement(SubElement(hosted, "method", name="GET", id="HostedFile-get"), "response")


def _collection(application: Element, collection: CollectionType, root: str) -> None:
    kind = SubElement(application, "resource_type", id=collection.name)
    _doc(kind, collection.doc)
    _get(kind, f"{root}#{collection.target}-page")
    for operation in collection.operations:
        _operation(kind, collection.name, operation, root)


def _entry(application: Element, entry: EntryType, root: str) -> None:
    kind = SubElement(application, "resource_type", id=entry.name)
    _doc(kind, entry.doc)
    _get(kind, f"{root}#{entry.name}-full")
    if entry.change is not None:
        patch = SubElement(kind, "method", name="PATCH", id=f"{entry.name}-patch")
        request = SubElement(patch, "request")
        SubElement(request, "representation", href=f"{root}#{entry.name}-diff")
    for operation in entry.operations:
        _operation(kind, entry.name, operation, root)
    full = SubElement(application, "representation", id=f"{entry.name}-full", mediaType=_JSON)
    for name in ("self_link", "resource_type_link", "http_etag"):
        _param(full, name)
    diff = SubElement(application, "representation", id=f"{entry.name}-diff", mediaType=_JSON)
    for declared in entry.fields:
        _field(full, declared, root)
        if declared.writable:
            _field(diff, declared, root)
    _page(application, entry.name, root)


def _page(application: Element, name: str, root: str) -> None:
    kind = SubElement(application, "resource_type", id=f"{name}-page-resource")
    _get(kind, f"#{name}-page")
    page = SubElement(application, "representation", id=f"{name}-page", mediaType=_JSON)
    for plain in ("resource_type_link", "total_size", "start"):
        _param(page, plain)
    SubElement(_param(page, "total_size_link"), "link", resource_type=f"{root}#ScalarValue")
    for direction in ("next_collection_link", "prev_collection_link"):
        SubElement(_param(page, direction), "link", resource_type=f"#{name}-page-resource")
    _param(page, "entries")


def _operation(kind: Element, owner: str, operation: Operation, root: str) -> None:
    method = SubElement(kind, "method", name=operation.method, id=f"{owner}-{operation.name}")
    _doc(method, operation.doc)
    request = SubElement(method, "request")
    arguments = request
    if operation.method == "POST":
        media_type = _MULTIPART if operation.has_file else _FORM
        arguments = SubElement(request, "representation", mediaType=media_type)
    fixed = {"name": "ws.op", "style": "query", "required": "true", "fixed": operation.name}
    SubElement(arguments, "param", fixed)
    for parameter in operation.parameters:
        _argument(arguments, parameter)
    response = SubElement(method, "response")
    if operation.answer is Answer.ENTRY:
        SubElement(response, "representation", href=f"{root}#{operation.target}-full")
    elif operation.answer is Answer.PAGE:
        SubElement(response, "representation", href=f"{root}#{operation.target}-page")
    elif operation.answer is Answer.CREATED:
        location = SubElement(response, "param", name="Location", style="header")
        SubElement(location, "link", resource_type=f"{root}#{operation.target}")


def _argument(arguments: Element, parameter: Parameter) -> None:
    attributes = {"name": parameter.name, "style": "query"}
    attributes["required"] = "true" if parameter.required else "false"
    element = SubElement(arguments, "param", _typed(parameter.kind, attributes))
    _doc(element, parameter.doc)
    _options(element, parameter.choices)


def _field(representation: Element, declared: Field, root: str) -> None:
    element = _param(representation, declared.wire_name, declared.kind)
    _doc(element, declared.doc)
    _options(element, declared.choices)
    if declared.kind is Kind.LINK:
        attributes = {"resource_type": f"{root}#{declared.target}"} if declared.target else {}
        SubElement(element, "link", attributes)
    elif declared.kind is Kind.COLLECTION:
        SubElement(element, "link", resource_type=f"{root}#{declared.target}-page-resource")


def _get(kind: Element, representation: str) -> None:
    method = SubElement(kind, "method", name="GET", id=f"{kind.get('id')}-get")
    response = SubElement(method, "response")
    SubElement(response, "representation", href=representation)


def _param(parent: Element, name: str, kind: Kind = Kind.TEXT) -> Element:
    attributes = {"name": name, "path": f"$['{name}']", "style": "plain"}
    return SubElement(parent, "param", _typed(kind, attributes))


def _typed(kind: Kind, attributes: dict[str, str]) -> dict[str, str]:
    return {**attributes, "type": kind.value} if kind in _TYPED else attributes


_TYPED = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.TIME, Kind.FILE})


def _options(element: Element, choices: tuple[str, ...]) -> None:
    for choice in choices:
        SubElement(element, "option", value=choice)


def _doc(element: Element, text: str) -> None:
    SubElement(element, "doc").text = text
