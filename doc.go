// Package hotline is the root of the call-center engine. It holds no code, only
// the laws of the house as tests: who may import whom, and where each outside
// library may be used.
package hotline
