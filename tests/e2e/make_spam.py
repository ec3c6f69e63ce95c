#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_spam.py FOLDER [ROWS]: a small mailbox as CSV with texts as people write them, and a project that tells spam from
ham. The same bytes for ever: a counter is the only source of chance."""
import csv
import hashlib
import pathlib
import sys

HAM = ["Could we move the {thing} to {day}?", "Thanks, the {thing} looks good to me.", "I attached the {thing} for {day}.",
       "Are you coming to the {thing} on {day}?", "Please review the {thing} before {day}, {name}.", "Lunch on {day}?",
       "The {thing} is late again; {name} will call the customer.", "Happy birthday, {name}!",
       "Sorry, I missed your call. Free on {day}?", "Grüße aus Zürich, bis {day}!"]
SPAM = ["Congratulations {name}, you have WON a free {prize}!!!", "Claim your free {prize} now, offer ends {day}",
        "Cheap {prize}, no prescription, 100% free trial", "URGENT: your account is suspended, click to verify the {thing}",
        "Earn $$$ from home, click here for your free {prize}", "Dear winner, your {prize} is waiting. Reply with your bank details",
        "Limited offer!!! {prize} at half price, buy now", "Gewinnen Sie jetzt einen kostenlosen {prize}"]
WORDS = {"thing": ["report", "meeting", "invoice", "contract", "budget", "schedule", "release", "workshop"],
         "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "tomorrow", "next week"],
         "name": ["Anna", "Jürgen", "Chloé", "Omar", "Wei", "Priya"],
         "prize": ["iPhone", "cruise", "watch", "gift card", "loan", "casino bonus", "pills"]}
PROJECT = """\
# A mailbox: is a mail spam?
project: mailbox
problem: Is a mail spam? Asked when it comes in, so that it can be put aside.
lake: {branch: main}

ingest:
  mails: {source: file, path: data/mails.csv}

tables:
  mails:
    key: id

prepare:
  split: {by: stratified, valid: 0.2, test: 0.2, seed: 7}

train:
  table: mails
  target: label
  positive: spam
  features: [subject, sender, links]
  metric: roc_auc
  seed: 7
  candidates:
    words:
      algo: multinomial_nb
      prepare:
        - {step: text, columns: subject, ngram_max: 2, weighting: counts}
        - {step: text, columns: sender, tokens: whole, features: hash, bits: 10}
    there:
      algo: bernoulli_nb
      binarize: 2
      prepare:
        - {step: text, columns: "subject, sender", min_df: 2}

assess:
  noun: mails
  costs: {unit: minutes, true_positive: 1, false_positive: -20, true_negative: 0, false_negative: -1}

registry: {name: spam, alias: champion}
"""


def main():
    folder, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1500
    count = 0

    def draw(n):
        nonlocal count
        count += 1
        return int.from_bytes(hashlib.sha256(str(count).encode()).digest()[:6], "big") % n

    def sentence(kind):
        text = kind[draw(len(kind))]
        return text.format(**{k: v[draw(len(v))] for k, v in WORDS.items()})

    (folder / "data").mkdir(parents=True, exist_ok=True)
    with open(folder / "data" / "mails.csv", "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        out.writerow(["id", "subject", "sender", "links", "label"])
        for i in range(rows):
            spam = draw(3) == 0
            text = " ".join(sentence(SPAM if spam != (draw(12) == 0) else HAM) for _ in range(1 + draw(2)))
            sender = f"user{draw(400)}@{'mail.example' if spam and draw(2) else 'work.example'}"
            out.writerow([i, "" if draw(50) == 0 else text, sender, draw(4) + (2 if spam else 0), "spam" if spam else "ham"])
    (folder / "tarn.yaml").write_text(PROJECT, encoding="utf-8")


main()
