"""The WADL, read with wadllib, which is how launchpadlib reads it."""

from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from wadllib.application import Application, Parameter, Resource

from buildfarm.farmtesting.cases import FarmTestCase
from buildfarm.farmtesting.catalogue import SERVICE as BOOKS
from buildfarm.farmtesting.catalogue import Book
from buildfarm.webservice.catalogue import SERVICE as FARM
from buildfarm.webservice.declarations import Answer, Kind, Operation, Service
from buildfarm.webservice.representations import document, entry
from buildfarm.webservice.wadl import wadl

ROOT = "http://farm.test:8085/devel/"

#: What the clients ask for, as it was seen: of the root, of entries, and operations.
ROOT_NEEDS = "resource_type_link me_link people_collection_link distributions_collection_link"
FIELDS = {
    "builder": "active builderok clean_status current_build_link date_clean_status_changed "
    "failnotes failure_count manual name open_resources owner_link processor_link "
    "restricted_resources title url version virtualized vm_host vm_reset_protocol",
    "build": "arch_tag buildstate can_be_retried can_be_rescored can_be_cancelled datebuilt "
    "dependencies duration score builder_link archive_link",
    "distribution": "name display_name main_archive_link current_series_link",
    "distro_series": "name version",
    "archive": "name distribution_link",
    "source_package_publishing_history": "source_package_name source_package_version "
    "component_name pocket status",
    "person": "name super_teams_collection_link",
    "team": "name",
}
OPERATIONS = {
    "builders": "getByName getBuildQueueSizes getBuildersForQueue new",
    "builder": "getBuildRecords setCleanStatus",
    "build": "retry rescore cancel",
    "distribution": "getSeries getArchive",
    "archive": "getPublishedSources checkUpload getBuildRecords",
    "source_package_publishing_history": "getBuilds",
    "people": "getByName",
}


def loaded(service: Service) -> Application:
    """The service's WADL, as wadllib has it."""
    return Application(ROOT, wadl(service, ROOT))


def resource(application: Application, type_id: str) -> Resource:
    """Something of this type."""
    return Resource(application, f"{ROOT}anything", f"{ROOT}#{type_id}")


def method_of(found: Resource, operation: Operation) -> Any:
    """How an operation is asked for; None where the WADL does not say."""
    fixed = {"ws.op": operation.name}
    if operation.method == "GET":
        return found.get_method("GET", query_params=fixed)
    return found.get_method("POST", representation_params=fixed)


def parameters(found: Resource) -> list[Parameter]:
    """What a representation of `found` has."""
    definition = found.get_representation_definition("application/json").resolve_definition()
    return list(definition.params(found))


def argument_names(found: Resource, operation: Operation) -> set[str]:
    """What launchpadlib lets its caller give."""
    request = method_of(found, operation).request
    if operation.method == "GET":
        given: Iterable[Parameter] = request.query_params
    else:
        [definition] = request.representations
        given = definition.resolve_definition().params(found)
    return {one.name for one in given if one.fixed_value is None}


def declared_operations(service: Service) -> Iterator[tuple[str, Operation]]:
    """Every operation, with the type that has it."""
    for kind in (*service.entries.values(), *service.collections.values()):
        for operation in kind.operations:
            yield kind.name, operation


class LoadedTestCase(FarmTestCase):
    """What holds of any service; of the farm's own, and of a small one."""

    services = (FARM, BOOKS)


class TypeTests(LoadedTestCase):
    def test_every_link_leads_to_a_type_that_is_there(self) -> None:
        """launchpadlib follows each of them, and does not look elsewhere for a description."""
        for service in self.services:
            application = loaded(service)
            for type_id in application.resource_types:
                if type_id == "HostedFile":
                    continue
                for one in parameters(resource(application, type_id)):
                    if one.link is not None:
                        self.assertTrue(one.link.can_follow, f"{type_id}.{one.name}")
                        target = application.lookup_xml_id(one.link.tag.attrib["resource_type"])
                        self.assertIn(target, application.resource_types)

    def test_every_representation_is_there(self) -> None:
        """Whole entries, their writable parts, pages; and of each page how to go on."""
        for service in self.services:
            application = loaded(service)
            for name, kind in service.entries.items():
                shapes = {f"{name}-full", f"{name}-diff", f"{name}-page"}
                self.assertEqual(set(), shapes - set(application.representation_definitions))
                page = {
                    one.name for one in parameters(resource(application, f"{name}-page-resource"))
                }
                self.assertEqual(PAGE, page)
                patch = resource(application, name).get_method("PATCH")
                self.assertEqual(kind.change is None, patch is None, name)

    def test_fields_are_declared_as_they_are_sent(self) -> None:
        """Their names, types and choices; and those that can be written, for a PATCH."""
        for service in self.services:
            application = loaded(service)
            for name, kind in service.entries.items():
                found = {one.name: one for one in parameters(resource(application, name))}
                fields = {one.wire_name: one for one in kind.fields}
                self.assertEqual(OWN | set(fields), set(found))
                for field_name, field in fields.items():
                    shown = found[field_name]
                    self.assertEqual(list(field.choices), [one.value for one in shown.options])
                    if field.kind is Kind.TIME:
                        self.assertEqual("xsd:dateTime", shown.type)
                diff = application.representation_definitions[f"{name}-diff"]
                writable = {one.wire_name for one in kind.fields if one.writable}
                self.assertEqual(
                    writable, {one.name for one in diff.params(resource(application, name))}
                )

    def test_the_root_leads_to_the_collections(self) -> None:
        """By the names that launchpadlib makes attributes of."""
        for service in self.services:
            root = loaded(service).get_resource_by_path("")
            found = {one.name for one in parameters(root)}
            for name in service.collections:
                self.assertIn(f"{name}_collection_link", found)
            self.assertEqual(ROOT, root.url)


class OperationTests(LoadedTestCase):
    def test_every_operation_is_found_by_its_name(self) -> None:
        """By its method and `ws.op`, with its arguments and what it answers with."""
        for service in self.services:
            application = loaded(service)
            for name, operation in declared_operations(service):
                found = resource(application, name)
                self.assertIsNotNone(method_of(found, operation), f"{name}.{operation.name}")
                self.assertEqual(
                    {one.name for one in operation.parameters}, argument_names(found, operation)
                )
                answers = [one.tag.attrib["href"] for one in method_of(found, operation).response]
                self.assertEqual(
                    [f"{ROOT}#{operation.target}-{SHAPES[operation.answer]}"]
                    if operation.answer in SHAPES
                    else [],
                    answers,
                )

    def test_a_factory_names_the_header_with_the_new_address(self) -> None:
        """launchpadlib follows the Location of a 201 to an entry of that type."""
        buy = method_of(resource(loaded(BOOKS), "books"), BOOKS.collections["books"].operations[3])
        address = f"{ROOT}books/emma"
        bound = buy.response.bind({"Location": address})
        self.assertEqual((address, f"{ROOT}#book"), location(bound.get_parameter("Location")))


class BoundTests(FarmTestCase):
    def test_an_entry_is_read_through_its_description(self) -> None:
        """Each value of a representation is found, times are times, links can be followed."""
        application = loaded(BOOKS)
        book = Book("emma", after="persuasion")
        sent = document(entry(BOOKS.entries["book"], book, ROOT))
        bound = resource(application, "book").bind(sent)
        for one in bound.parameter_names("application/json"):
            bound.get_parameter(one)
        values = [bound.get_parameter(one).get_value() for one in ("name", "readers", "bought")]
        self.assertEqual([book.name, book.readers, book.bought.replace(tzinfo=UTC)], values)
        after = bound.get_parameter("after_link").linked_resource
        self.assertEqual((f"{ROOT}books/persuasion", f"{ROOT}#book"), (after.url, after.type_url))


class ClientTests(FarmTestCase):
    """What launchpadlib and the tools that are built on it need of the farm's own service."""

    def test_fields(self) -> None:
        """Every value that they read is declared."""
        application = loaded(FARM)
        root = {one.name for one in parameters(application.get_resource_by_path(""))}
        self.assertEqual(set(), set(ROOT_NEEDS.split()) - root)
        for name, needed in FIELDS.items():
            found = {one.name for one in parameters(resource(application, name))}
            self.assertEqual(set(), set(needed.split()) - found, name)

    def test_operations(self) -> None:
        """Every operation that they call is declared."""
        found = {(name, operation.name) for name, operation in declared_operations(FARM)}
        needed = {(name, one) for name, some in OPERATIONS.items() for one in some.split()}
        self.assertEqual(set(), needed - found)

    def test_types_that_clients_know_by_name(self) -> None:
        """A bare value, a file; and the names that launchpadlib builds addresses of."""
        known = {"ScalarValue", "HostedFile", "service-root", "team", "distribution"}
        self.assertEqual(set(), known - set(loaded(FARM).resource_types))


def location(parameter: Parameter) -> tuple[str, str]:
    """Where a link leads, and the type of what is there."""
    target = parameter.linked_resource
    return target.url, target.type_url


OWN = {"self_link", "resource_type_link", "http_etag"}
PAGE = {
    "resource_type_link",
    "total_size",
    "total_size_link",
    "start",
    "next_collection_link",
    "prev_collection_link",
    "entries",
}
SHAPES = {Answer.ENTRY: "full", Answer.PAGE: "page"}
