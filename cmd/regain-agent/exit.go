package main

import (
	"context"
	"errors"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

// The exit codes, as docs/cli.md explains them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitLeft        = 3
	exitFindings    = 4
	exitInterrupted = 130
)

// exitCode is the one place where a result becomes a number.
func exitCode(ctx context.Context, report offline.Report, err error) int {
	var usage *agent.UsageError
	var failure *rescue.Failure
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &failure) && failure.Left:
		return exitLeft
	case err != nil && report.Command == agent.Undo && report.Outcome == offline.Failed:
		return exitLeft // what a run has written is still there, in whole or in part
	case err != nil && ctx.Err() != nil:
		return exitInterrupted
	case err != nil:
		return exitFailed
	case report.Outcome == offline.Refused:
		return exitFindings
	case report.Command == agent.Diagnose && rescue.Blocked(report):
		return exitFindings
	}
	return exitDone
}
