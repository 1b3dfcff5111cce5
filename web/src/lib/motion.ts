/** A duration in ms, or none for people who asked their system for less motion. */
export const motion = (ms: number): number => matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : ms
