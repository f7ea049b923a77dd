declare module '*.css' {}

/** File names of the workers, which the build defines. */
declare const SHARED_WORKER: string
declare const LAYOUT_WORKER: string
