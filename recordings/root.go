package recordings

import "path/filepath"

// Root is the folder of the recordings.
func (d *Dir) Root() string { return d.root }

// Rel is a recording's path as seen from the root, for records that outlive a
// move of the folder.
func (d *Dir) Rel(path string) string {
	rel, err := filepath.Rel(d.root, path)
	if err != nil {
		return path
	}
	return rel
}
