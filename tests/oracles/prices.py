#!/usr/bin/env python3
"""Holds our prices to genai-prices' and LiteLLM's own calculators. A check for development; it needs no network.

    pip install --target /tmp/oracles genai-prices==0.2.1 litellm==1.110.2
    PYTHONPATH=/tmp/oracles python3 tests/oracles/prices.py target/debug/tokensense [SHAPES] [SEED]

First every name in LiteLLM's list that genai-prices prices: ours has to be the same figure. Then SHAPES (10,000) random
answers of random models, against both. What differs is grouped by its cause; a group without one makes it fail.
"""
import collections, datetime, json, os, random, subprocess, sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import genai_prices, litellm

litellm.suppress_debug_info = True

AT = datetime.datetime(2026, 11, 26, 13, 0, tzinfo=datetime.timezone.utc)
# LiteLLM's provider: genai-prices'.
PROVIDERS = {
    "openai": "openai", "anthropic": "anthropic", "gemini": "google", "mistral": "mistral", "groq": "groq", "xai": "x-ai",
    "deepseek": "deepseek", "perplexity": "perplexity", "cohere_chat": "cohere", "bedrock_converse": "aws",
    "fireworks_ai": "fireworks", "together_ai": "together", "vertex_ai-anthropic_models": "google",
}


def ours(binary, asks):
    """The records of answers, asked of one process: what they cost, and why."""
    lines = []
    for provider, model, usage in asks:
        lines.append(json.dumps({
            "schema": "tokensense/1", "provider": provider, "model": model, "api": "openai.chat",
            "created_at": AT.isoformat().replace("+00:00", "Z"), "response_id": str(len(lines)), "status": "complete",
            "partial": False, "estimated": [], "labels": {}, **usage}))
    path = "/tmp/tokensense-oracle-%d.jsonl" % os.getpid()
    open(path, "w").write("\n".join(lines) + "\n")
    try:
        subprocess.run([binary, "summarise", "-q", "-j1", "--no-dedup", "--reprice", "--records", path + ".out.jsonl", path],
                       check=True, stdout=subprocess.DEVNULL)
        records = {record["response_id"]: record for record in map(json.loads, open(path + ".out.jsonl"))}
    finally:
        for name in (path, path + ".out.jsonl"):
            if os.path.exists(name):
                os.remove(name)
    return [records[str(at)] for at in range(len(asks))]


def genai(provider, model, usage):
    used = genai_prices.Usage(
        input_tokens=usage["input_tokens"], output_tokens=usage["output_tokens"],
        cache_read_tokens=usage.get("cache_read_tokens"), cache_write_tokens=usage.get("cache_write_tokens"),
        input_audio_tokens=usage.get("audio_input_tokens"), output_audio_tokens=usage.get("audio_output_tokens"),
        **({"output_reasoning_tokens": usage["reasoning_tokens"]} if usage.get("reasoning_tokens") else {}),
        **({"cache_audio_read_tokens": 0} if "audio_input_tokens" in usage else {}))
    try:
        price = genai_prices.calc_price(used, model_ref=model, provider_id=provider, genai_request_timestamp=AT)
    except LookupError:
        return None
    return price.model.id, float(price.total_price)


def lite(name, usage):
    from litellm.types.utils import CompletionTokensDetailsWrapper, PromptTokensDetailsWrapper, Usage
    read, write = usage.get("cache_read_tokens", 0), usage.get("cache_write_tokens", 0)
    used = Usage(
        prompt_tokens=usage["input_tokens"], completion_tokens=usage["output_tokens"],
        total_tokens=usage["input_tokens"] + usage["output_tokens"],
        prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=read, audio_tokens=usage.get("audio_input_tokens")),
        completion_tokens_details=CompletionTokensDetailsWrapper(
            audio_tokens=usage.get("audio_output_tokens"), reasoning_tokens=usage.get("reasoning_tokens")),
        cache_read_input_tokens=read, cache_creation_input_tokens=write)
    try:
        return sum(litellm.cost_per_token(model=name, usage_object=used))
    except Exception:
        return None


def cause(provider, name, mine, theirs, whose):
    """Why a figure of ours is another than theirs; None where that is not known."""
    note, match = mine["cost_note"] or "", mine["price_match"] or ""
    entry = litellm.model_cost.get(name, {})
    if "-search-" in name and mine["other_cost_usd"]:
        return "a search for each answer, for which the calculators want a count"
    if mine["audio_input_tokens"] or mine["audio_output_tokens"]:
        if mine["cost_basis"] == "lower_bound":
            return "sound without a rate, charged as text: ours is a lower bound, and says so"
        if whose == "litellm" and not (entry.get("input_cost_per_audio_token") and entry.get("output_cost_per_audio_token")):
            return "sound, for which LiteLLM's list has no rate"
        if "litellm" in match and mine["cache_read_tokens"]:
            return "cached tokens of a model whose sound the second source prices: each list has its own rates for them"
    if whose == "genai":
        if mine["cost_usd"] is None and ("unknown model" in note or "no prices" in note):
            return "a name that genai-prices takes for a longer or shorter one's (starts_with, contains): we do not"
        if "no rates" in note and theirs == 0:
            return "an entry without any rates: for genai-prices that is nothing, for us unknown"
        if provider == "deepseek":
            return "DeepSeek's peak hours"
        if "litellm" in match:
            return "a rate of the second source"
        return None
    if mine["cost_usd"] is None:
        return "a model that genai-prices' list lacks"
    if theirs == 0 or not entry.get("input_cost_per_token"):
        return "a model that LiteLLM has no rate for tokens of"
    if "off_peak_pricing" in entry:
        return "LiteLLM prices by the hour of the check, we by the response's"
    if "perplexity" in match and mine["other_cost_usd"]:
        return "Perplexity's fee for each request, which LiteLLM adds elsewhere"
    if (any("_above_" in field for field in entry) or "above" in match) and mine["input_tokens"] > 100_000:
        return "rates for long prompts in one of the two lists"
    if mine["cache_read_tokens"] and "cache_read_input_token_cost" not in entry:
        return "cached tokens, for which LiteLLM's list has no rate"
    if mine["cache_write_tokens"] and "cache_creation_input_token_cost" not in entry:
        return "tokens written to the cache, for which LiteLLM's list has no rate"
    return rates(provider, name, mine)


def rates(provider, name, mine):
    """The two lists state another rate: told by asking genai-prices, which has ours."""
    usage = {key: mine[key] for key in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens") if mine[key]}
    usage.setdefault("input_tokens", 0), usage.setdefault("output_tokens", 0)
    answer = genai(provider, name.split("/", 1)[-1] if "/" in name else name, usage)
    same = answer and close(answer[1], mine["cost_usd"])
    return "the two lists state other rates: genai-prices says what we say" if same else None


def close(a, b):
    return a is not None and b is not None and abs(a - b) <= 1e-9 + 1e-6 * abs(b)


def own(name, provider):
    return name.split("/", 1)[1] if name.startswith(provider + "/") or name.startswith(("gemini/", "fireworks_ai/", "together_ai/", "vertex_ai/")) else name


def compare(binary, asks, title):
    records = ours(binary, [(provider, model, usage) for provider, model, _, usage in asks])
    groups, agreed, failed = collections.defaultdict(list), collections.Counter(), 0
    for (provider, model, name, usage), mine in zip(asks, records):
        theirs = genai(provider, model, usage)
        for whose, figure in (("genai", theirs and theirs[1]), ("litellm", lite(name, usage) if name else None)):
            if figure is None:
                continue
            if close(figure, mine["cost_usd"]):
                agreed[whose] += 1
            else:
                groups[whose, cause(provider, name or model, mine, figure, whose)].append((provider, model, figure, mine["cost_usd"], mine["price_match"], mine["cost_note"]))
    print("%s: %d compared" % (title, len(asks)))
    for whose in ("genai", "litellm"):
        print("  %-8s agrees %d times" % (whose, agreed[whose]))
        for (of, why), all in sorted(groups.items(), key=lambda group: -len(group[1])):
            if of == whose:
                print("  %-8s %6d  %s" % (whose, len(all), why or "UNEXPLAINED"))
                for example in all[:3] if why else all[:12]:
                    print("           ", *example)
                failed += 0 if why else len(all)
    return failed


def main(binary, shapes, seed):
    choose = random.Random(seed)
    names = []
    for name, entry in litellm.model_cost.items():
        provider = PROVIDERS.get(entry.get("litellm_provider"))
        model = own(name, entry.get("litellm_provider", ""))
        if provider and entry.get("mode") in ("chat", "responses", "completion", "embedding") and "/" not in model:
            if genai(provider, model, {"input_tokens": 1000, "output_tokens": 100}):
                names.append((provider, model, name))
    failed = compare(binary, [(*name, {"input_tokens": 1000, "output_tokens": 100}) for name in names], "names")
    asks = []
    for _ in range(shapes):
        input = int(10 ** choose.uniform(0, 5.6))
        read = choose.choice([0, 0, choose.randint(0, input)])
        write = choose.choice([0, 0, 0, choose.randint(0, input - read)])
        usage = {"input_tokens": input, "output_tokens": int(10 ** choose.uniform(0, 4.5))}
        usage.update({key: n for key, n in (("cache_read_tokens", read), ("cache_write_tokens", write)) if n})
        usage["reasoning_tokens"] = choose.choice([0, choose.randint(0, usage["output_tokens"])])
        if not choose.randrange(4):
            usage["audio_input_tokens"] = choose.randint(0, input - read - write)
            usage["audio_output_tokens"] = choose.randint(0, usage["output_tokens"] - usage["reasoning_tokens"])
        asks.append((*choose.choice(names), usage))
    failed += compare(binary, asks, "shapes")
    sys.exit("%d differ for no known cause" % failed if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000, int(sys.argv[3]) if len(sys.argv) > 3 else 1)
