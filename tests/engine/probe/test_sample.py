"""Answers of a model in training: by the recipe's sampling alone, and nothing of the model is moved."""

from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from engine.launch.attempt import Stopped
from engine.models.template import Renderer
from engine.probe.sample import sample_answers
from engine.records.dataset import Message
from engine.records.recipe import Sentinel, Template


def test_an_end_is_heard_between_two_tokens_and_leaves_the_model_as_it_was(tiny_folder: Path) -> None:
    renderer = Renderer(AutoTokenizer.from_pretrained(tiny_folder), Template())
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_folder), LoraConfig(r=2)).train()
    heard: list[int] = []

    def heed() -> None:
        heard.append(1)
        if len(heard) == 3:
            raise Stopped

    state = torch.random.get_rng_state()
    with pytest.raises(Stopped):
        sample_answers(model, renderer, [[Message(role="user", content="Who?")]], Sentinel(max_tokens=50), 1, heed)
    assert len(heard) == 3
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), state)


def test_what_its_makers_sample_by_is_left_out(tiny_folder: Path) -> None:
    renderer = Renderer(AutoTokenizer.from_pretrained(tiny_folder), Template())
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_folder), LoraConfig(r=2)).train()
    prompts = [[Message(role="user", content=text)] for text in ("Who are you?", "And whence do you come, Sir?")]
    greedy, drawn = (Sentinel(max_tokens=12, temperature=t) for t in (0.0, 1.0))
    plain = [sample_answers(model, renderer, prompts, sampling, seed=1) for sampling in (greedy, drawn)]
    makers = GenerationConfig(repetition_penalty=1.8, no_repeat_ngram_size=1, min_p=0.9, max_length=9)
    base = model.get_base_model()
    base.generation_config = makers
    torch.manual_seed(7)
    state = torch.random.get_rng_state()
    theirs = [sample_answers(model, renderer, prompts, sampling, seed=1) for sampling in (greedy, drawn)]
    assert [[a.text for a in answers] for answers in theirs] == [[a.text for a in answers] for answers in plain]
    assert base.generation_config is makers
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), state)
    assert [a.prompt_tokens for a in theirs[0]] == [len(renderer.encode_prompt(p)) for p in prompts]
    assert all(a.tokens <= 12 and (a.finish == "length") == (a.tokens == 12) for a in theirs[0])
    # and it does matter: under them the model repeats no token
    with torch.no_grad():
        ids = torch.tensor([renderer.encode_prompt(prompts[0])])
        out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
    assert renderer.tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).strip() != plain[0][0].text
