package agent

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

// NewRun makes the id of a run, as in 20261122T155300Z-3fa2c1: the time in UTC,
// so that ids sort by age, and 24 random bits.
func NewRun(now time.Time, random io.Reader) (string, error) {
	var bits [3]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return "", fmt.Errorf("cannot name the run: %w", err)
	}
	return now.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(bits[:]), nil
}
