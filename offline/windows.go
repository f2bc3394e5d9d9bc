package offline

// Windows is what a report says of a Windows volume.
type Windows struct {
	Agent    string         `json:"agent"`             // what makes the new password; empty: nothing does
	Version  string         `json:"version,omitempty"` // of that agent
	Why      []string       `json:"why,omitempty"`     // it is this one
	Armed    []string       `json:"armed"`             // all that set a password at the next start, as the volume now stands
	Already  bool           `json:"already,omitempty"` // nothing had to be changed
	Run      string         `json:"run,omitempty"`     // whose start-up script it is, where that is the agent: its block on the console bears that name
	Agents   []WindowsAgent `json:"agents,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
	Refused  []string       `json:"refused,omitempty"`  // ids of the findings that are in the way
	Consents []string       `json:"consents,omitempty"` // flags that let those pass which can
}

// WindowsAgent is a launch agent, or what is left of one.
type WindowsAgent struct {
	Agent     string   `json:"agent"`
	Version   string   `json:"version,omitempty"`
	Program   string   `json:"program,omitempty"`   // on the volume
	Activator string   `json:"activator,omitempty"` // the service or task that starts it
	Installed bool     `json:"installed"`           // both are there
	Armed     bool     `json:"armed"`
	Why       []string `json:"why,omitempty"` // it is not armed
}
