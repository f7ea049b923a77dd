declare module '*.css' {}

/** File names of the workers, which the build defines. */
declare const SHARED_WORKER: string
declare const LAYOUT_WORKER: string

/** Of modules that the page shares with the daemon; the page never calls it. */
declare function setImmediate(callback: () => void): object
