package ec2

import (
	"context"
	"regexp"
	"time"
)

// passwordBlock is what a launch agent writes to the serial port, where EC2 reads it.
var passwordBlock = regexp.MustCompile(`<Password>\s*([A-Za-z0-9+/=\s]+?)\s*</Password>`)

// readSerial is the newest password that an instance has written to its console, as far
// as EC2 does not have it yet. Only a block that has come to its end counts.
func (e *EC2) readSerial(i *instance) (password string, isNew bool) {
	if i.Platform != "windows" || i.State == terminated || !e.hasMachine(i) || e.Host == nil {
		return "", false
	}
	found := passwordBlock.FindAllStringSubmatch(e.Host.Console(i.ID), -1)
	if len(found) == 0 {
		return "", false
	}
	password = found[len(found)-1][1]
	return password, password != i.Password
}

// getPasswordData is empty until the instance has written a password, and stays as it is
// until it writes another one. The text has line ends around it, as EC2's has.
func (e *EC2) getPasswordData(_ context.Context, r *request) (any, error) {
	return actOn(e, r, "InstanceId", (*account).instance, func(_ *account, i *instance, now time.Time) (any, error) {
		if i.Password == "" {
			return item{{"instanceId", i.ID}, {"timestamp", now}, {"passwordData", ""}}, nil
		}
		return item{{"instanceId", i.ID}, {"timestamp", i.PasswordAt}, {"passwordData", "\r\n" + i.Password + "\r\n"}}, nil
	})
}
