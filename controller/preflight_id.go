package controller

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// An IDError says that a word is not the id of an instance, and what it is
// instead. Nothing has been begun.
type IDError struct {
	Given string
	Hint  string
}

func (e *IDError) Error() string {
	return fmt.Sprintf("cannot take %q for an instance id: %s", e.Given, e.Hint)
}

var instanceID = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

// CheckInstanceID returns nil for the id of an EC2 instance (i- and 8 or 17
// hexadecimal digits), else an *IDError that says how to find it.
func CheckInstanceID(given string) error {
	if instanceID.MatchString(given) {
		return nil
	}
	return &IDError{Given: shorten(given), Hint: idHint(given)}
}

// others are the beginnings of ids that get mixed up with an instance's.
var others = []struct{ prefix, hint string }{
	{"mi-", "that is a hybrid node of Systems Manager, which has no root volume to swap; an instance's id begins with i-"},
	{"vol-", "that is a volume; aws ec2 describe-volumes --volume-ids VOLUME --query 'Volumes[].Attachments[].InstanceId' tells its instance"},
	{"eni-", "that is a network interface; aws ec2 describe-network-interfaces --network-interface-ids INTERFACE" +
		" --query 'NetworkInterfaces[].Attachment.InstanceId' tells its instance"},
	{"eipalloc-", "that is an Elastic IP; aws ec2 describe-addresses --allocation-ids ADDRESS --query 'Addresses[].InstanceId' tells its instance"},
	{"ami-", "that is an image, and no instance"},
	{"snap-", "that is a snapshot, and no instance"},
	{"subnet-", "that is a subnet, and no instance"},
	{"sg-", "that is a security group, and no instance"},
	{"vpc-", "that is a VPC, and no instance"},
	{"lt-", "that is a launch template, and no instance"},
	{"asg-", "that is an Auto Scaling group, and no instance"},
}

// idHint guesses what was meant.
func idHint(given string) string {
	word := strings.Trim(given, " \t\r\n\"'")
	lower := strings.ToLower(word)
	if word == "" {
		return "it is empty; it looks like i-0123456789abcdef0"
	}
	if word != given && instanceID.MatchString(word) {
		return "there are spaces or quotes around it; give " + word
	}
	if instanceID.MatchString(lower) {
		return "its digits are lower case; give " + lower
	}
	if _, id, ok := strings.Cut(word, ":instance/"); ok && instanceID.MatchString(id) {
		return "that is its ARN; give " + id
	}
	for _, o := range others {
		if strings.HasPrefix(lower, o.prefix) {
			return o.hint
		}
	}
	if strings.HasPrefix(lower, "i-") {
		return "after i- there are 8 or 17 hexadecimal digits"
	}
	return "find it with " + describeBy(word)
}

// describeBy is the command that finds an instance by an address or a name.
func describeBy(word string) string {
	filter, value := "tag:Name", "NAME"
	if address, err := netip.ParseAddr(word); err == nil {
		address = address.Unmap().WithZone("") // a zone is any text
		filter, value = "ip-address", address.String()
		switch {
		case address.Is6():
			filter = "ipv6-address"
		case address.IsPrivate():
			filter = "private-ip-address"
		}
	} else if plain.MatchString(word) {
		value = word
		switch {
		case strings.Contains(word, ".amazonaws.com"):
			filter = "dns-name"
		case strings.HasSuffix(word, ".internal"):
			filter = "private-dns-name"
		}
	}
	return "aws ec2 describe-instances --filters Name=" + filter + ",Values=" + value +
		" --query 'Reservations[].Instances[].[InstanceId,State.Name]'"
}

// plain is what needs no quotes in a shell, nor in the short form of a filter.
var plain = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,200}$`)

// shorten keeps an error readable whatever was pasted.
func shorten(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
