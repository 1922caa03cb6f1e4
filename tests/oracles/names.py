#!/usr/bin/env python3
"""Writes names.txt: the model names of LiteLLM's price list, by its names for providers.

    pip download litellm==1.110.2 --no-deps
    python3 tests/oracles/names.py litellm-1.110.2-*.whl

Left out are providers that genai-prices does not know, and what is no model's name: image sizes, and steps, and terms.
"""
import json, os, re, sys, zipfile

# LiteLLM's provider: genai-prices'.
PROVIDERS = {
    "anthropic": "anthropic", "azure": "azure", "azure_ai": "azure", "azure_text": "azure", "baseten": "baseten",
    "bedrock": "aws", "bedrock_converse": "aws", "bedrock_mantle": "aws", "cerebras": "cerebras",
    "cloudflare": "cloudflare", "cohere": "cohere", "cohere_chat": "cohere", "databricks": "databricks",
    "deepseek": "deepseek", "elevenlabs": "elevenlabs", "fireworks_ai": "fireworks", "gemini": "google",
    "github_copilot": "github-copilot", "groq": "groq", "meta_llama": "meta", "minimax": "minimax", "mistral": "mistral",
    "moonshot": "moonshotai", "novita": "novita", "openai": "openai", "openrouter": "openrouter",
    "ovhcloud": "ovhcloud", "perplexity": "perplexity", "text-completion-codestral": "mistral",
    "text-completion-openai": "openai", "together_ai": "together", "vertex_ai": "google",
    "vertex_ai-language-models": "google", "vertex_ai-anthropic_models": "google",
    "vertex_ai-mistral_models": "google", "vertex_ai-llama_models": "google", "vertex_ai-deepseek_models": "google",
    "vertex_ai-openai_models": "google", "vertex_ai-qwen_models": "google", "voyage": "voyageai", "xai": "x-ai",
    "zai": "zai",
}
NO_NAME = re.compile(r"^sample_spec$|commitment|\d+-x-\d+|-steps?/|^(low|medium|high|standard|hd)/")


def main(wheel):
    version = re.search(r"litellm-([\d.]+)-", os.path.basename(wheel)).group(1)
    with zipfile.ZipFile(wheel) as wheel:
        models = json.loads(wheel.read("litellm/model_prices_and_context_window_backup.json"))
    names = {}
    for name, fields in models.items():
        provider = fields.get("litellm_provider")
        if provider in PROVIDERS and not NO_NAME.search(name):
            names.setdefault(provider, []).append(name)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "names.txt"), "w") as out:
        out.write("# Model names of LiteLLM %s's price list, https://github.com/BerriAI/litellm\n" % version)
        out.write("# MIT. Copyright (c) 2023 Berri AI\n")
        for provider in sorted(names):
            out.write("= %s %s\n" % (provider, PROVIDERS[provider]))
            for name in sorted(names[provider]):
                out.write(name + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
