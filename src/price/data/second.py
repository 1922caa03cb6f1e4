#!/usr/bin/env python3
"""Makes second.jsonl of LiteLLM's price list: what the first source lacks.

    pip download litellm==1.110.2 --no-deps
    python3 src/price/data/second.py litellm-1.110.2-*.whl

It keeps, for providers that prices.jsonl has:
* of models that both know, the rates of things that prices.jsonl has no rate for: sound, images, video, pages, searches;
* models that only LiteLLM knows and that are paid for by sound, images, video or pages.

And regions.txt: by what factor a region costs more: provider, region (`*`: all but `global`), factor, models.
"""
import json, os, re, sys, zipfile
from decimal import Decimal
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))

# LiteLLM's provider: ours.
PROVIDERS = {
    "openai": "openai", "azure": "azure", "azure_ai": "azure", "anthropic": "anthropic", "gemini": "google",
    "vertex_ai": "google", "vertex_ai-language-models": "google", "vertex_ai-anthropic_models": "google",
    "bedrock": "aws", "bedrock_converse": "aws", "mistral": "mistral", "groq": "groq", "cohere": "cohere",
    "perplexity": "perplexity", "xai": "x-ai", "deepseek": "deepseek", "fireworks_ai": "fireworks",
    "together_ai": "together", "voyage": "voyageai", "elevenlabs": "elevenlabs", "cerebras": "cerebras",
    "text-completion-openai": "openai",
}

# LiteLLM's field: our unit, and how many of it the rate is for.
UNITS = {
    "input_cost_per_audio_token": ("input_audio_mtok", 1_000_000),
    "output_cost_per_audio_token": ("output_audio_mtok", 1_000_000),
    "cache_read_input_audio_token_cost": ("cache_audio_read_mtok", 1_000_000),
    "input_cost_per_image_token": ("input_image_mtok", 1_000_000),
    "output_cost_per_image_token": ("output_image_mtok", 1_000_000),
    "cache_read_input_image_token_cost": ("cache_image_read_mtok", 1_000_000),
    "input_cost_per_video_token": ("input_video_mtok", 1_000_000),
    "output_cost_per_video_token": ("output_video_mtok", 1_000_000),
    "citation_cost_per_token": ("output_citation_mtok", 1_000_000),
    "google_maps_grounding_cost_per_query": ("maps_kcount", 1_000),
    "search_context_cost_per_query": ("web_searches_kcount", 1_000),
    "ocr_cost_per_page": ("input_document_kpages", 1_000),
    "annotation_cost_per_page": ("input_annotated_document_kpages", 1_000),
    "input_cost_per_second": ("input_audio_hours", 3_600),
}
# Rates of models that only LiteLLM knows.
TOKENS = {
    "input_cost_per_token": ("input_mtok", 1_000_000),
    "output_cost_per_token": ("output_mtok", 1_000_000),
    "cache_read_input_token_cost": ("cache_read_mtok", 1_000_000),
    "cache_creation_input_token_cost": ("cache_write_mtok", 1_000_000),
    "cache_creation_input_token_cost_above_1hr": ("cache_write_1h_mtok", 1_000_000),
}
TIERS = {"batch": ("processing", "_batches"), "flex": ("service_tier", "_flex"), "priority": ("service_tier", "_priority")}
MODES = {"audio_transcription", "audio_speech", "image_generation", "image_edit", "ocr", "realtime"}
# What the code interpreter's containers cost stands under a name of its own.
CONTAINERS = {"openai/container": "openai", "azure/container": "azure"}


# Days and versions of a name that leave it the same model's, as the program has it.
DATED = re.compile(r"(-20\d\d-\d\d-\d\d|-20\d{6}|-\d\d-20\d\d|@[\w-]+|-00\d)$")


def number(value, per):
    # Prices for an hour are rounded where they were stated for a second.
    places = "1.000" if per == 3600 else "1.000000000"
    amount = (Decimal(repr(value)) * per).quantize(Decimal(places)).normalize()
    return int(amount) if amount == amount.to_integral() else float(amount)


def rates(fields, units, ending=""):
    found = {}
    for field, (unit, per) in units.items():
        value = fields.get(field + ending)
        if isinstance(value, dict):
            sizes = {size: value.get("search_context_size_" + size) for size in ("low", "medium", "high")}
            if fields["litellm_provider"] == "perplexity" and len(set(sizes.values())) > 1:
                # A fee for each request, by how much of the web is read.
                for size, fee in sizes.items():
                    found["requests_%s_kcount" % size] = number(fee, per)
                continue
            value = sizes["medium"]
        if isinstance(value, (int, float)) and value > 0:
            found[unit] = number(value, per)
    return found


def tiers(fields, units, standard):
    variants = []
    for word, (key, ending) in TIERS.items():
        own = {unit: rate for unit, rate in rates(fields, units, ending).items() if unit in standard}
        if own:
            variants.append({"when": {key: word}, "prices": own})
    return {"price_variants": variants} if variants else {}


def first():
    """Of each provider of prices.jsonl: ids and names, each with the units that its model has rates for."""
    providers, provider = {}, None
    for line in open(os.path.join(HERE, "prices.jsonl")):
        row = json.loads(line)
        if "provider" in row:
            provider = providers.setdefault(row["provider"], {})
            continue
        dated = row["prices"] if isinstance(row["prices"], list) else [{"prices": row["prices"]}]
        units = {unit: rate for dated in dated for unit, rate in dated["prices"].items()}
        names = [row["id"]] + re.findall(r'"(?:equals|starts_with|ends_with|contains)": "([^"]+)"', json.dumps(row["match"]))
        for name in names:
            provider.setdefault(name.rstrip("-@:").lower(), (row["id"], units))
    return providers


def main(wheel):
    with zipfile.ZipFile(wheel) as wheel:
        models = json.loads(wheel.read("litellm/model_prices_and_context_window_backup.json"))
    known, more, regions = first(), {}, {}
    for name, fields in models.items():
        ours = PROVIDERS.get(fields.get("litellm_provider"))
        if name in CONTAINERS:
            more.setdefault(CONTAINERS[name], {})["container"] = {
                "prices": {"containers_kcount": number(fields["code_interpreter_cost_per_session"], 1000)}}
            continue
        if ours is None or name == "sample_spec" or "commitment" in name:
            continue
        bare = name.split("/", 1)[1] if "/" in name and PROVIDERS.get(name.split("/")[0], ours) == ours else name
        bare = bare.lower()
        place, _, model = bare.partition("/")
        if (ours == "aws" and re.fullmatch("[a-z]+(-[a-z]+)+-[0-9]", place)) or (ours == "azure" and place in ("eu", "us")):
            region(regions, known, ours, place, model, fields)
            continue
        if "/" in bare:
            continue
        uplifts(regions, known, ours, bare, fields)
        one = rates(fields, UNITS)
        # What reads images at the price of text needs no rate.
        entry = known[ours].get(bare) or known[ours].get(DATED.sub("", bare))
        if ours == "azure" and entry is None and (bare in known["openai"] or DATED.sub("", bare) in known["openai"]):
            continue
        if fields.get("mode") != "audio_transcription" and "input_cost_per_token" in fields:
            one.pop("input_audio_hours", None)
        if entry is not None:
            id, has = entry
            input = has.get("input_mtok")
            input = input["base"] if isinstance(input, dict) else input
            lacks = {unit: rate for unit, rate in one.items() if unit not in has}
            for unit in ("input_image_mtok", "input_video_mtok"):
                if unit in lacks and lacks[unit] == input:
                    del lacks[unit]
            if "requests_kcount" not in has and ours == "perplexity":
                lacks = {unit: rate for unit, rate in lacks.items() if not unit.startswith("requests_")}
            if ours == "mistral" and fields.get("mode") == "ocr":
                lacks = {unit: rate for unit, rate in lacks.items() if unit.endswith("pages")}
            if lacks:
                kept = more.setdefault(ours, {}).setdefault(id, {"prices": {}})
                new = {unit: rate for unit, rate in lacks.items() if unit not in kept["prices"]}
                kept["prices"].update(new)
                for variant in tiers(fields, UNITS, new).get("price_variants", []):
                    kept.setdefault("price_variants", []).append(variant)
        elif fields.get("mode") in MODES and one:
            all = {**rates(fields, TOKENS), **one}
            more.setdefault(ours, {}).setdefault(bare, {"prices": all, **tiers(fields, {**TOKENS, **UNITS}, all)})
    with open(os.path.join(HERE, "second.jsonl"), "w") as out:
        for provider in sorted(more):
            out.write('{"provider":"%s"}\n' % provider)
            for id, entry in sorted(more[provider].items()):
                out.write(json.dumps({"id": id, "match": {}, **entry}, separators=(",", ":")) + "\n")
    with open(os.path.join(HERE, "regions.txt"), "w") as out:
        for (provider, place, factor), ids in sorted(regions.items()):
            out.write(" ".join([provider, place, str(factor), *sorted(ids)]) + "\n")


def region(regions, known, ours, place, model, fields):
    """What a region's price is the standard one times; entries that differ in more than a factor are left out."""
    standard = known[ours].get(model) or (known["openai"].get(model) if ours == "azure" else None)
    all = rates(fields, TOKENS)
    if standard is None:
        return
    base = lambda rate: rate["base"] if isinstance(rate, dict) else rate
    factors = set()
    for unit in ("input_mtok", "output_mtok"):
        if unit in all and standard[1].get(unit):
            factors.add((Fraction(str(all[unit])) / Fraction(str(base(standard[1][unit])))).limit_denominator(100))
    if len(factors) == 1 and factors != {Fraction(1)}:
        regions.setdefault((ours, place, factors.pop()), set()).add(standard[0].lower())


def uplifts(regions, known, ours, model, fields):
    """What LiteLLM states as a factor."""
    if ours == "google" and "regional_endpoint_uplift_multiplier" in fields:
        entry = known[ours].get(model.split("@")[0])
        factor = Fraction(str(fields["regional_endpoint_uplift_multiplier"]))
        entry and regions.setdefault((ours, "*", factor), set()).add(entry[0].lower())
    for place in ("eu", "us"):
        if ours == "openai" and "regional_processing_uplift_multiplier_" + place in fields and model in known[ours]:
            factor = Fraction(str(fields["regional_processing_uplift_multiplier_" + place]))
            regions.setdefault((ours, place, factor), set()).add(known[ours][model][0].lower())


if __name__ == "__main__":
    main(sys.argv[1])
