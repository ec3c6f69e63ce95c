#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A short round of writers.sh: several writers of one lake, killed at random.
exec bash "$(dirname "$0")/writers.sh" "$1" "$2" "$3" 5
