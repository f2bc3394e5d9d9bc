// Package policy holds the IAM permissions that a rescue needs: one catalogue,
// from which the policies are printed, the preflight's simulation is asked, and
// against which the calls of the adapters are checked. It calls nothing.
package policy

// Permission is one action on one resource (an ARN, or "*"), with what IAM is
// told of the request.
type Permission struct {
	Action   string            `json:"action"`
	Resource string            `json:"resource"`
	Context  map[string]string `json:"context,omitempty"`
}
