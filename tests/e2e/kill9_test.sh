#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill9.sh in short, for every `make check`.
exec bash "$(dirname "$0")/kill9.sh" "$1" "$2" "$3" 12
