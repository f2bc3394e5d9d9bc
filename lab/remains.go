package lab

import (
	"context"

	"github.com/seed-77750964/regain/lab/windows"
)

// Remains are what machines have left on this host, a line each.
type Remains struct {
	Host []string `json:"host"`
}

// Remains looks for loop devices, mounts and processes that belong to the state
// directory and to no machine that is on.
func (l *Lab) Remains(context.Context, Nothing) (Remains, error) {
	look := windows.Remains
	if l.windows != nil {
		look = l.windows.Remains
	}
	return Remains{Host: look(l.cfg.State)}, nil
}
