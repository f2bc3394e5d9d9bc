package rescue

import "github.com/seed-77750964/regain/offline"

// Unopened is the report of a run that ended with err before its volume was
// open: nothing has been looked at, and nothing written.
func Unopened(command string, r Request, volume string, err error) offline.Report {
	report := newReport(command, r, &Patient{VolumeID: volume})
	conclude(&report, err)
	return report
}
