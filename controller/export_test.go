package controller

import "github.com/seed-77750964/regain/controller/flow"

// Mutation changes the steps of a run, to see whether tests notice.
type Mutation func([]flow.Step[Rescue]) []flow.Step[Rescue]

// Mutate plants a mutation.
func (c *Controller) Mutate(m Mutation) { c.mutate = m }
