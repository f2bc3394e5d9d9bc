package lab

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/lab/wire"
)

// runTag is the tag that a run of regain puts on what it makes, and takes off what it
// leaves on purpose.
const runTag = "regain:run"

// A Run names a run, for Leftovers.
type Run struct {
	Run string `json:"run"`
}

// Left is what a run has left in the account.
type Left struct {
	Resources []string `json:"resources"` // ids of EC2, and s3://BUCKET/KEY
}

// Leftovers are the resources with the tag of a run, and the objects with its name. A
// terminated instance and a volume that is being deleted are none, though EC2 shows
// them for a while.
func (l *Lab) Leftovers(ctx context.Context, r Run) (Left, error) {
	if r.Run == "" {
		return Left{}, fmt.Errorf("cannot look for what a run left: it has no name")
	}
	var tags struct {
		IDs []string `xml:"tagSet>item>resourceId"`
	}
	filter := url.Values{"Filter.1.Name": {"key"}, "Filter.1.Value.1": {runTag}, "Filter.2.Name": {"value"}, "Filter.2.Value.1": {r.Run}}
	if err := l.ask(ctx, &wire.Call{Service: "ec2", Action: "DescribeTags", Query: filter}, &tags); err != nil {
		return Left{}, err
	}
	gone, err := l.ec2.Gone()
	if err != nil {
		return Left{}, err
	}
	left := slices.DeleteFunc(tags.IDs, func(id string) bool { return gone[id] })
	objects, err := l.objects(ctx, r.Run)
	left = append(left, objects...)
	slices.Sort(left)
	return Left{Resources: left}, err
}

// objects are those with the name of the run in their keys, in any bucket.
func (l *Lab) objects(ctx context.Context, run string) ([]string, error) {
	var buckets struct {
		Names []string `xml:"Buckets>Bucket>Name"`
	}
	if err := l.askS3(ctx, "ListBuckets", "/", &buckets); err != nil {
		return nil, err
	}
	var found []string
	for _, bucket := range buckets.Names {
		var list struct {
			Keys []string `xml:"Contents>Key"`
		}
		if err := l.askS3(ctx, "ListObjectsV2", "/"+bucket+"?list-type=2", &list); err != nil {
			return nil, err
		}
		for _, key := range list.Keys {
			if strings.Contains(key, run) {
				found = append(found, "s3://"+bucket+"/"+key)
			}
		}
	}
	return found, nil
}

func (l *Lab) askS3(ctx context.Context, action, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	return l.ask(ctx, &wire.Call{Service: "s3", Action: action, HTTP: r}, into)
}

// ask makes a call for the lab itself: neither throttled nor logged. It reads the
// answer as a client would.
func (l *Lab) ask(ctx context.Context, c *wire.Call, into any) error {
	c.Region, c.Caller = l.cfg.Region, wire.Identity{Account: Account}
	answer, err := l.services[c.Service].Do(ctx, c)
	if err != nil {
		return fmt.Errorf("cannot ask %s: %w", c.Service, err)
	}
	body, err := wire.Encode(c, answer)
	if err != nil {
		return err
	}
	return xml.Unmarshal(body, into)
}
