package autoscaling

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/lab/wire"
)

type instanceItem struct {
	ID        string `xml:"InstanceId"`
	Kind      string `xml:"InstanceType"`
	Group     string `xml:"AutoScalingGroupName,omitempty"`
	Zone      string `xml:"AvailabilityZone"`
	State     string `xml:"LifecycleState"`
	Health    string `xml:"HealthStatus"`
	Protected bool   `xml:"ProtectedFromScaleIn"`
}

type groupItem struct {
	Name        string         `xml:"AutoScalingGroupName"`
	ARN         string         `xml:"AutoScalingGroupARN"`
	Min         int            `xml:"MinSize"`
	Max         int            `xml:"MaxSize"`
	Desired     int            `xml:"DesiredCapacity"`
	Cooldown    int            `xml:"DefaultCooldown"`
	Zones       []string       `xml:"AvailabilityZones>member"`
	HealthCheck string         `xml:"HealthCheckType"`
	Grace       int            `xml:"HealthCheckGracePeriod"`
	Instances   []instanceItem `xml:"Instances>member"`
	Made        wire.Time      `xml:"CreatedTime"`
}

// memberItem: DescribeAutoScalingInstances writes the health in capitals, and
// DescribeAutoScalingGroups does not.
func (s *AutoScaling) memberItem(id string, m *member) instanceItem {
	_, zone, kind, _ := s.Fleet.Instance(id)
	health := "Healthy"
	if !m.Sick.IsZero() || m.State == Terminating {
		health = "Unhealthy"
	}
	return instanceItem{ID: id, Kind: kind, Zone: zone, State: m.State, Health: health}
}

func (s *AutoScaling) describeInstances(p *wire.Params) (any, error) {
	ids, most, after := p.Strings("InstanceIds"), p.Int("MaxRecords", 50), readToken(p)
	if err := p.Done(); err != nil {
		return nil, err
	}
	var answer struct {
		Instances []instanceItem `xml:"AutoScalingInstances>member"`
		NextToken string         `xml:",omitempty"`
	}
	s.file.View(func(d *document) {
		d.each(func(g *group, id string, m *member) {
			if len(ids) == 0 || slices.Contains(ids, id) {
				item := s.memberItem(id, m)
				item.Group, item.Health = g.Name, strings.ToUpper(item.Health)
				answer.Instances = append(answer.Instances, item)
			}
		})
	})
	answer.Instances, answer.NextToken = page(answer.Instances, func(i instanceItem) string { return i.ID }, after, most)
	return answer, nil
}

func (s *AutoScaling) describeGroups(p *wire.Params) (any, error) {
	names, most, after := p.Strings("AutoScalingGroupNames"), p.Int("MaxRecords", 50), readToken(p)
	if err := p.Done(); err != nil {
		return nil, err
	}
	var answer struct {
		Groups    []groupItem `xml:"AutoScalingGroups>member"`
		NextToken string      `xml:",omitempty"`
	}
	s.file.View(func(d *document) {
		for name, g := range d.Groups {
			if len(names) == 0 || slices.Contains(names, name) {
				answer.Groups = append(answer.Groups, s.groupItem(g))
			}
		}
	})
	answer.Groups, answer.NextToken = page(answer.Groups, func(g groupItem) string { return g.Name }, after, most)
	return answer, nil
}

func (s *AutoScaling) groupItem(g *group) groupItem {
	item := groupItem{
		Name: g.Name, ARN: s.arn(g), Min: g.Min, Max: g.Max, Desired: g.Desired, Cooldown: 300, HealthCheck: "EC2", Grace: 300,
		Made: wire.Time{Time: g.Made}, Zones: []string{s.Region + "a", s.Region + "b", s.Region + "c"},
	}
	for _, id := range slices.Sorted(maps.Keys(g.Members)) {
		item.Instances = append(item.Instances, s.memberItem(id, g.Members[id]))
	}
	return item
}

// readToken is the name after which the next page begins.
func readToken(p *wire.Params) string {
	token := p.String("NextToken")
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		p.Fail(wire.Faultf("InvalidNextToken", "The token '%s' is invalid.", token))
	}
	return string(text)
}

func page[T any](all []T, name func(T) string, after string, most int) ([]T, string) {
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	all = slices.DeleteFunc(all, func(x T) bool { return after != "" && name(x) <= after })
	if most < 1 || most > 100 || len(all) <= most {
		return all, ""
	}
	return all[:most], base64.RawURLEncoding.EncodeToString([]byte(name(all[most-1])))
}
