package sim

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller"
)

// A parameter has all its versions.
type parameter struct {
	versions [][]byte
	modified []time.Time
}

func (p *parameter) describe(name string, version int) controller.Parameter {
	return controller.Parameter{
		Name: name, Type: "SecureString", Version: int64(version), Modified: p.modified[version-1],
		ARN: "arn:aws:ssm:" + region + ":" + account + ":parameter" + name,
	}
}

// store writes the next version.
func (c *Cloud) store(name string, value []byte) int64 {
	p := c.parameters[name]
	if p == nil {
		p = &parameter{}
		c.parameters[name] = p
	}
	p.versions, p.modified = append(p.versions, slices.Clone(value)), append(p.modified, c.now)
	return int64(len(p.versions))
}

// Parameters is GetParameters without decryption.
func (c *Cloud) Parameters(ctx context.Context, names ...string) (found []controller.Parameter, err error) {
	err = c.call(ctx, "ssm:GetParameters", func() error {
		if len(names) > 10 {
			return refusal(controller.Invalid, "ValidationException", "at most 10 names")
		}
		for _, n := range names {
			if p := c.parameters[n]; p != nil {
				found = append(found, p.describe(n, len(p.versions)))
			}
		}
		return nil
	})
	return found, err
}

// Secret is GetParameter with decryption.
func (c *Cloud) Secret(ctx context.Context, name string, version int64) (value []byte, found controller.Parameter, err error) {
	err = c.call(ctx, "ssm:GetParameter", func() error {
		p := c.parameters[name]
		if p == nil {
			return refusal(controller.NotFound, "ParameterNotFound", "parameter %s not found", name)
		}
		if version == 0 {
			version = int64(len(p.versions))
		}
		if version < 1 || version > int64(len(p.versions)) {
			return refusal(controller.NotFound, "ParameterVersionNotFound", "version %d of %s not found", version, name)
		}
		value, found = slices.Clone(p.versions[version-1]), p.describe(name, int(version))
		return nil
	})
	return value, found, err
}

// StoreSecret is PutParameter.
func (c *Cloud) StoreSecret(ctx context.Context, name string, value []byte, kmsKey, _ string, overwrite bool) (version int64, err error) {
	err = c.call(ctx, "ssm:PutParameter", func() error {
		switch {
		case c.parameters[name] != nil && !overwrite:
			return refusal(controller.Exists, "ParameterAlreadyExists", "the parameter already exists")
		case !c.usable(kmsKey):
			return refusal(controller.State, "InvalidKeyId", "the key %s cannot be used", kmsKey)
		case len(value) == 0 || len(value) > 4096 || strings.Contains(string(value), "{{"):
			return refusal(controller.Invalid, "ValidationException", "the value is not valid")
		}
		version = c.store(name, value)
		return nil
	})
	return version, err
}

// Public is GetParameter of AWS's own: here the images of its systems.
func (c *Cloud) Public(ctx context.Context, name string) (value string, err error) {
	err = c.call(ctx, "ssm:GetParameter", func() error {
		switch {
		case !strings.HasPrefix(name, "/aws/service/"):
		case strings.Contains(name, "x86_64"), strings.Contains(name, "amd64"):
			value = imageAMD64
		case strings.Contains(name, "arm64"):
			value = imageARM64
		}
		if value == "" {
			return refusal(controller.NotFound, "ParameterNotFound", "parameter %s not found", name)
		}
		return nil
	})
	return value, err
}

// linkPrefix begins what presigned links look like here.
const linkPrefix = "https://s3.sim.invalid/"

// AddBucket adds a bucket of S3.
func (c *Cloud) AddBucket(name string) {
	c.outside(func() { c.objects[name] = map[string][]byte{} })
}

// BucketExists is HeadBucket.
func (c *Cloud) BucketExists(ctx context.Context, bucket string) (exists bool, err error) {
	err = c.call(ctx, "s3:ListBucket", func() error {
		_, exists = c.objects[bucket]
		return nil
	})
	return exists, err
}

// inBucket makes a call that needs a bucket.
func (c *Cloud) inBucket(ctx context.Context, action, bucket string, do func(objects map[string][]byte)) error {
	return c.call(ctx, action, func() error {
		objects, exists := c.objects[bucket]
		if !exists {
			return refusal(controller.NotFound, "NoSuchBucket", "the specified bucket does not exist: %s", bucket)
		}
		do(objects)
		return nil
	})
}

// Deliver is PutObject.
func (c *Cloud) Deliver(ctx context.Context, bucket, key string, body []byte) error {
	return c.inBucket(ctx, "s3:PutObject", bucket, func(objects map[string][]byte) { objects[key] = slices.Clone(body) })
}

// Link makes no call, as a presigned URL needs none.
func (c *Cloud) Link(_ context.Context, bucket, key string, _ time.Duration) (string, error) {
	return linkPrefix + bucket + "/" + key + "?X-Amz-Signature=sim", nil
}

// linked tells whether what follows a link's prefix still is there.
func (c *Cloud) linked(rest string) bool {
	path, _, _ := strings.Cut(rest, "?")
	bucket, key, _ := strings.Cut(path, "/")
	_, there := c.objects[bucket][key]
	return there
}

// Undeliver is DeleteObject, which succeeds when there is none.
func (c *Cloud) Undeliver(ctx context.Context, bucket, key string) error {
	return c.inBucket(ctx, "s3:DeleteObject", bucket, func(objects map[string][]byte) { delete(objects, key) })
}

// Delivered is ListObjectsV2.
func (c *Cloud) Delivered(ctx context.Context, bucket, prefix string) (keys []string, err error) {
	err = c.inBucket(ctx, "s3:ListBucket", bucket, func(objects map[string][]byte) {
		for _, k := range sorted(objects) {
			if strings.HasPrefix(k, prefix) {
				keys = append(keys, k)
			}
		}
	})
	return keys, err
}
