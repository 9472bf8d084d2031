#!/bin/sh
# Runs a program that test.py compiled, for tests/conformance.rs: run.sh conform
#
# WXLINK_WINDOWS_PROGRAMS is the folder of the programs.
set -eu
exec "$WXLINK_WINDOWS_PROGRAMS/$1"
