// Package config reads the two files of hotline: hotline.yaml, what a process
// needs to start ([Config], also from the environment and flags), and
// center.yaml, the call center itself ([ParseCenter], a [store.Center] in YAML).
//
// Whatever a file says wrong is a [Problem] with line, column and what to do:
// unknown keys (with the nearest known one), keys given twice, values of a wrong
// type. [Places] finds the position of a path in a file, so that faults found
// later, by the engine, are shown at their place too. Files are bounded and may
// come from anyone: no text makes the package panic.
package config
