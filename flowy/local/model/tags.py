"""Tags of domains.

"Amazon SWF supports a maximum of 50 tags per resource" (API reference, TagResource), and the
resource must exist; moto checks neither.
"""

from __future__ import annotations

from moto.swf.exceptions import SWFClientError, SWFUnknownResourceFault
from moto.swf.models import SWFBackend
from moto.utilities.tagging_service import TaggingService

from ..wire_faults import model_fault

#: "Maximum number of tags - 50 tags per resource" (developer guide, Amazon SWF Quotas).
_MAX_TAGS = 50


class TaggedResources(SWFBackend):
    """Domains that have tags; they are not kept in the journal."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.tagger = TaggingService()  # moto 5.1 has none

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a domain.

        Raises:
            SWFUnknownResourceFault: the domain does not exist.
        """
        if not any(domain.to_short_dict()["arn"] == arn for domain in self.domains):
            raise SWFUnknownResourceFault("resource", arn)
        found: dict[str, str] = self.tagger.get_tag_dict_for_resource(arn)
        return found

    def tag_resource(self, arn: str, tags: dict[str, str]) -> None:
        check_tags({*self.tags(arn), *tags})
        self.tagger.tag_resource(arn, [{"Key": key, "Value": tags[key]} for key in tags])

    def untag_resource(self, arn: str, tag_keys: list[str]) -> None:
        self.tags(arn)
        self.tagger.untag_resource_using_names(arn, tag_keys)


def check_tags(keys: set[str]) -> None:
    """Check the number of tags of a resource.

    Raises:
        SWFClientError: they are more than 50.
    """
    if len(keys) > _MAX_TAGS:
        raise SWFClientError(
            model_fault("TooManyTagsFault"), f"A resource may have at most {_MAX_TAGS} tags"
        )
