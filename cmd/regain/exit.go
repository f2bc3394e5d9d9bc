package main

import (
	"context"
	"errors"

	"github.com/seed-77750964/regain/controller"
)

// The exit codes, as docs/cli.md explains them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotHome     = 3
	exitFindings    = 4
	exitInterrupted = 130
)

// outcomeCode is the one place where the end of a run becomes a number.
func outcomeCode(o controller.Outcome) int {
	switch o.State {
	case controller.StateRescued:
		return exitDone
	case controller.StateUnproven:
		return exitFindings
	case controller.StateInterrupted:
		return exitInterrupted
	case controller.StateNotHome:
		return exitNotHome
	}
	return exitFailed
}

// worst orders the codes of several runs by what needs somebody's attention.
func worst(codes ...int) int {
	for _, code := range []int{exitNotHome, exitInterrupted, exitFailed, exitFindings} {
		for _, c := range codes {
			if c == code {
				return code
			}
		}
	}
	return exitDone
}

// failureCode is for errors before or without a run.
func failureCode(ctx context.Context, err error) int {
	switch usage := (*usageError)(nil); {
	case errors.As(err, &usage):
		return exitUsage
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailed
}
