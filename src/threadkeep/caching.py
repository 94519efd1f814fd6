"""What goes with `store.tools` and `store.llm`: content blocks, normalizers, prices, and what statistics return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadkeep.errors import UsageError
from threadkeep.layers.betterdb_keys import betterdb_keys
from threadkeep.layers.cache_keys import by_content
from threadkeep.model.blocks import (
    BinaryBlock,
    Block,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from threadkeep.model.caches import (
    CacheCounts,
    CacheStats,
    Price,
    Tokens,
    ToolEffectiveness,
)

if TYPE_CHECKING:
    from decimal import Decimal
__all__ = [
    "BinaryBlock",
    "Block",
    "CacheCounts",
    "CacheStats",
    "Price",
    "ReasoningBlock",
    "TextBlock",
    "ToolCallBlock",
    "ToolEffectiveness",
    "ToolResultBlock",
    "betterdb_keys",
    "by_content",
    "genai_prices",
]


def genai_prices(provider: str | None = None) -> Price:
    """Return what tells the price of a model call by the table of the package `genai-prices`.

    For `CacheOptions(price=genai_prices())`. The table is that of the installed release; threadkeep has none of
    its own and fetches nothing. A model that it does not list has no price. `provider`: whose prices, as
    `openai`; None: told by the model's name. UsageError: the package is not installed.
    """
    try:
        from genai_prices import Usage, calc_price
    except ImportError as error:
        raise UsageError(
            "for prices of models genai-prices is needed: pip install 'threadkeep[prices]'"
        ) from error

    def price(model: str, tokens: Tokens) -> Decimal | None:
        usage = Usage(input_tokens=tokens.input, output_tokens=tokens.output)
        try:
            return calc_price(usage, model, provider_id=provider).total_price
        except LookupError:
            return None

    return price
