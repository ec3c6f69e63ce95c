#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What scikit-learn's vectorizers make of texts, to compare step `text` with (src/prepare/steps/text_test.c).

Run in this folder: /usr/bin/python3 text.py > text.json   (made with Debian 12's scikit-learn 1.2.1)
"""
import json

import sklearn
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

TRAIN = ["The quick brown fox jumps over the lazy dog", "", "A dog, a fox; a DOG!", "It's 3.14 or 22/7 - not_a_number",
         "Übergröße ÄPFEL äpfel; Čeština, ŽLUTÝ kůň", "ПРИВЕТ мир, привет МИР", "ΑΛΦΑ βήτα Ώρα", "e-mail me@example.org\tnow\n\nnow",
         "naïve café №5 “quoted” – dash… 100€", "fox fox fox dog", "x y z", "the the of of and", "привет dog", "日本語 テキスト"]
ASK = TRAIN[:6] + ["dog unknown fox", "quick brown dog quick brown", "   ", "CAFÉ naïve naïve", "ä Ä ß"]


def case(settings, maker):
    made = maker.fit(TRAIN)
    rows = made.transform(ASK).sorted_indices()
    words = [str(w) for w in made.get_feature_names_out()] if hasattr(made, "get_feature_names_out") else None
    if words:
        order = sorted(range(len(words)), key=lambda i: words[i].encode())
        place = {old: new for new, old in enumerate(order)}
        words = [words[i] for i in order]
    out = []
    for i in range(rows.shape[0]):
        cells = zip(rows.indices[rows.indptr[i]:rows.indptr[i + 1]], rows.data[rows.indptr[i]:rows.indptr[i + 1]])
        out.append(sorted([int(place[j]) if words else int(j), float(v)] for j, v in cells if v != 0))
    return {"settings": settings, "words": words, "rows": out}


def main():
    count, tfidf = {"weighting": "counts"}, {"weighting": "tfidf"}
    cases = [
        case(count, CountVectorizer()),
        case(count | {"lowercase": "no"}, CountVectorizer(lowercase=False)),
        case(count | {"stop_words": "english", "ngram_max": "2"}, CountVectorizer(stop_words="english", ngram_range=(1, 2))),
        case(count | {"ngram_min": "2", "ngram_max": "3"}, CountVectorizer(ngram_range=(2, 3))),
        case(count | {"tokens": "chars", "ngram_min": "1", "ngram_max": "3"}, CountVectorizer(analyzer="char", ngram_range=(1, 3))),
        case(count | {"min_df": "2", "max_df": "0.25"}, CountVectorizer(min_df=2, max_df=.25)),
        case({"weighting": "binary"}, CountVectorizer(binary=True)),
        case(tfidf, TfidfVectorizer()),
        case(tfidf | {"norm": "l1"}, TfidfVectorizer(norm="l1")),
        case(tfidf | {"sublinear_tf": "true", "smooth_idf": "false", "norm": "none"},
             TfidfVectorizer(sublinear_tf=True, smooth_idf=False, norm=None)),
        case(count | {"features": "hash", "bits": "10", "norm": "l2", "alternate_sign": "true"}, HashingVectorizer(n_features=1024)),
        case(count | {"features": "hash", "bits": "20", "ngram_max": "2"},
             HashingVectorizer(n_features=1 << 20, alternate_sign=False, norm=None, ngram_range=(1, 2))),
    ]
    print(json.dumps({"scikit_learn": sklearn.__version__, "train": TRAIN, "ask": ASK, "cases": cases}, ensure_ascii=False, indent=0))


main()
